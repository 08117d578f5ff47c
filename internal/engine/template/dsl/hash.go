package dsl

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"math/bits"
	"strconv"
	"strings"
)

func digest(h func() hash.Hash) *function {
	return mapText(func(s string) string {
		w := h()
		w.Write([]byte(s))
		return hex.EncodeToString(w.Sum(nil))
	})
}

var hashFunctions = map[string]*function{
	"md5":    digest(md5.New),
	"sha1":   digest(sha1.New),
	"sha224": digest(sha256.New224),
	"sha256": digest(sha256.New),
	"sha384": digest(sha512.New384),
	"sha512": digest(sha512.New),
	"mmh3":   mapText(func(s string) string { return strconv.Itoa(int(int32(murmur3([]byte(s))))) }),
	"hmac":   {3, 3, keyedHash},
}

// keyedHash takes the algorithm, the data and the secret.
func keyedHash(a args) (any, error) {
	h := map[string]func() hash.Hash{
		"md5": md5.New, "sha1": sha1.New, "sha-1": sha1.New, "sha256": sha256.New, "sha-256": sha256.New,
		"sha384": sha512.New384, "sha512": sha512.New, "sha-512": sha512.New,
	}[strings.ToLower(a.text(0))]
	if h == nil {
		return nil, errArguments
	}
	w := hmac.New(h, []byte(a.text(2)))
	w.Write([]byte(a.text(1)))
	return hex.EncodeToString(w.Sum(nil)), nil
}

// murmur3 is MurmurHash3, 32 bits, x86, seed 0.
func murmur3(b []byte) uint32 {
	const c1, c2 = 0xcc9e2d51, 0x1b873593
	size := len(b)
	var h uint32
	for ; len(b) >= 4; b = b[4:] {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		h ^= bits.RotateLeft32(k*c1, 15) * c2
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	var k uint32
	for i := len(b) - 1; i >= 0; i-- {
		k = k<<8 | uint32(b[i])
	}
	if len(b) > 0 {
		h ^= bits.RotateLeft32(k*c1, 15) * c2
	}
	h ^= uint32(size)
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

var cryptoFunctions = map[string]*function{
	"aescbc":      {2, 3, aesCBC},
	"aesgcm":      {2, 2, aesGCM},
	"generatejwt": {1, 4, generateJWT},
}

// aesCBC takes data, key and iv, pads by PKCS #7 and gives the cipher text; a missing iv is random and leads it.
func aesCBC(a args) (any, error) {
	block, err := aes.NewCipher([]byte(a.text(1)))
	if err != nil {
		return nil, err
	}
	iv := []byte(a.text(2))
	random := len(iv) == 0
	if random {
		iv = make([]byte, aes.BlockSize)
		_, _ = rand.Read(iv)
	}
	if len(iv) != aes.BlockSize {
		return nil, errArguments
	}
	data := []byte(a.text(0))
	pad := aes.BlockSize - len(data)%aes.BlockSize
	for range pad {
		data = append(data, byte(pad))
	}
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	if random {
		return string(iv) + string(data), nil
	}
	return string(data), nil
}

// aesGCM takes key and data; the random nonce leads the result.
func aesGCM(a args) (any, error) {
	block, err := aes.NewCipher([]byte(a.text(0)))
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce)
	return string(gcm.Seal(nonce, nonce, []byte(a.text(1)), nil)), nil
}

// generateJWT takes the claims as JSON, the algorithm (HS256, HS384, HS512 or none), the secret and an expiry in
// seconds since 1970.
func generateJWT(a args) (any, error) {
	claims := map[string]any{}
	if err := json.Unmarshal([]byte(a.text(0)), &claims); err != nil {
		return nil, err
	}
	if n := a.integer(3, 0); n > 0 {
		claims["exp"] = n
	}
	algorithm := strings.ToUpper(a.text(1))
	if algorithm == "" || algorithm == "NONE" {
		algorithm = "none"
	}
	header, _ := json.Marshal(map[string]string{"alg": algorithm, "typ": "JWT"})
	payload, err := json.Marshal(claims)
	if err != nil {
		return nil, err
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	h, ok := map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}[algorithm]
	if !ok {
		if algorithm == "none" {
			return signed + ".", nil
		}
		return nil, fmt.Errorf("%w: algorithm %s", errArguments, algorithm)
	}
	w := hmac.New(h, []byte(a.text(2)))
	w.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(w.Sum(nil)), nil
}
