package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
)

// KeySize is the length of a sealing key in bytes: AES-256.
const KeySize = 32

const sealVersion = "v1"

var (
	// ErrKey is returned for a sealing key that is not 32 bytes of base64.
	ErrKey = errors.New("a sealing key is 32 bytes in base64 (44 characters), as `openssl rand -base64 32` prints")
	// ErrUnknownKey is returned for a value sealed with a key that this process was not given.
	ErrUnknownKey = errors.New("sealed with a key that is not configured")
	// ErrOpen is returned for a value that was changed, or moved here from another place.
	ErrOpen = errors.New("sealed value does not belong here or was altered")
)

// Key is a sealing key. It prints as its id.
type Key struct {
	id    string
	bytes [KeySize]byte
}

// NewKey makes a random key.
func NewKey() Key {
	var raw [KeySize]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return keyOf(raw)
}

// ParseKey reads the base64 form (standard alphabet, padded or not); ErrKey for anything else.
func ParseKey(text string) (Key, error) {
	clean := strings.TrimRight(strings.TrimSpace(text), "=")
	decoded, err := base64.RawStdEncoding.DecodeString(clean)
	if err != nil || len(decoded) != KeySize {
		return Key{}, ErrKey
	}
	return keyOf([KeySize]byte(decoded)), nil
}

func keyOf(raw [KeySize]byte) Key {
	digest := sha256.Sum256(append([]byte("vedette sealing key id\x00"), raw[:]...))
	return Key{id: hex.EncodeToString(digest[:4]), bytes: raw}
}

// ID names the key without telling it; it stands in front of every value sealed with it.
func (k Key) ID() string { return k.id }

// Encode is the base64 form that ParseKey reads: the one way to the key itself, for writing a key file.
func (k Key) Encode() string { return base64.StdEncoding.EncodeToString(k.bytes[:]) }

func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "key "+k.id) }
func (k Key) LogValue() slog.Value       { return slog.StringValue("key " + k.id) }

// Place names where a sealed value lives, for example Place("target_credential", "password", organizationID). It is
// authenticated with the value, so that a ciphertext copied to another table, column or organization does not open.
type Place string

// At joins the parts of a place so that no two lists of parts give the same one.
func At(table, column, organization string) Place {
	return Place(strconv.Quote(table) + strconv.Quote(column) + strconv.Quote(organization))
}

// Sealer seals with its newest key and opens with any of its keys. It is safe for concurrent use.
type Sealer struct {
	active string
	keys   map[string]cipher.AEAD
}

// NewSealer takes the key that seals, and older ones that only open until Reseal has replaced them.
func NewSealer(active Key, older ...Key) (*Sealer, error) {
	s := &Sealer{active: active.id, keys: map[string]cipher.AEAD{}}
	for _, key := range append([]Key{active}, older...) {
		if key.id == "" {
			return nil, ErrKey
		}
		block, err := aes.NewCipher(key.bytes[:])
		if err != nil {
			return nil, fmt.Errorf("sealing key %s: %w", key.id, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("sealing key %s: %w", key.id, err)
		}
		s.keys[key.id] = aead
	}
	return s, nil
}

// Seal encrypts a value for one place. An empty value gives the zero Sealed, which is stored as NULL.
func (s *Sealer) Seal(plain string, place Place) Sealed {
	if plain == "" {
		return Sealed{}
	}
	box := s.keys[s.active].Seal(nil, nil, []byte(plain), s.bind(s.active, place)) //nolint:gosec // G407: no nonce is passed, the AEAD draws one
	return Sealed{text: sealVersion + ":" + s.active + ":" + base64.StdEncoding.EncodeToString(box)}
}

// Open gives the value back; ErrUnknownKey or ErrOpen when it cannot. The zero Sealed opens as the empty value.
func (s *Sealer) Open(sealed Sealed, place Place) (Text, error) {
	if sealed.Empty() {
		return "", nil
	}
	id, box, err := sealed.parts()
	if err != nil {
		return "", err
	}
	aead, known := s.keys[id]
	if !known {
		return "", fmt.Errorf("key %s: %w", id, ErrUnknownKey)
	}
	plain, err := aead.Open(nil, nil, box, s.bind(id, place))
	if err != nil {
		return "", ErrOpen
	}
	return Text(plain), nil
}

// Stale says whether a value was sealed with a key that is no longer the active one.
func (s *Sealer) Stale(sealed Sealed) bool {
	return !sealed.Empty() && sealed.KeyID() != s.active
}

// Reseal gives the same value under the active key; a value that is not stale comes back as it was.
func (s *Sealer) Reseal(sealed Sealed, place Place) (Sealed, error) {
	if !s.Stale(sealed) {
		return sealed, nil
	}
	plain, err := s.Open(sealed, place)
	if err != nil {
		return Sealed{}, err
	}
	return s.Seal(plain.Reveal(), place), nil
}

// ActiveKeyID is the id of the key that seals.
func (s *Sealer) ActiveKeyID() string { return s.active }

func (s *Sealer) bind(id string, place Place) []byte {
	return []byte(sealVersion + ":" + id + ":" + string(place))
}

// Sealed is a secret as the database keeps it: its SQL value is "v1:<key id>:<base64 of nonce and ciphertext>", its
// printed and marshalled forms are dots. It holds no clear text; only a Sealer opens it. The zero value is no secret.
type Sealed struct{ text string }

// Empty says whether there is no secret.
func (s Sealed) Empty() bool { return s.text == "" }

// KeyID is the id of the key that sealed the value, "" for the zero value.
func (s Sealed) KeyID() string {
	_, rest, _ := strings.Cut(s.text, ":")
	id, _, _ := strings.Cut(rest, ":")
	return id
}

func (s Sealed) parts() (id string, box []byte, err error) {
	fields := strings.Split(s.text, ":")
	if len(fields) != 3 || fields[0] != sealVersion {
		return "", nil, ErrOpen
	}
	box, err = base64.StdEncoding.DecodeString(fields[2])
	if err != nil {
		return "", nil, ErrOpen
	}
	return fields[1], box, nil
}

// Value is the ciphertext for the database, NULL for the zero value.
func (s Sealed) Value() (driver.Value, error) {
	if s.Empty() {
		return nil, nil
	}
	return s.text, nil
}

// Scan reads what Value wrote; NULL and "" give the zero value.
func (s *Sealed) Scan(source any) error {
	switch v := source.(type) {
	case nil:
		s.text = ""
	case string:
		s.text = v
	case []byte:
		s.text = string(v)
	default:
		return fmt.Errorf("sealed value from a column of type %T: want text", source)
	}
	if s.Empty() {
		return nil
	}
	_, _, err := s.parts()
	return err
}

func (s Sealed) String() string               { return dots(s.Empty()) }
func (s Sealed) GoString() string             { return dots(s.Empty()) }
func (s Sealed) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(dots(s.Empty()))), nil }
func (s Sealed) LogValue() slog.Value         { return slog.StringValue(dots(s.Empty())) }

// Format covers every verb of fmt.
func (s Sealed) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, dots(s.Empty())) }
