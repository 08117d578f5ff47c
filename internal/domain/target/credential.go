package target

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/uptrace/bun"

	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/secret"
)

// Kinds of credentials; a target has at most one of each.
var Kinds = []string{"ssh", "smb", "snmp", "http", "esxi"}

// Credential is one row: a login for authenticated checks. Its secret is never answered.
type Credential struct {
	bun.BaseModel `bun:"table:target_credentials,alias:tc"`
	db.Owned
	ID       string        `bun:"id,pk"`
	TargetID string        `bun:"target_id"`
	Kind     string        `bun:"kind"`
	Username string        `bun:"username"`
	Secret   secret.Sealed `bun:"secret"`
}

// Login is a credential in the clear, for the plan of a scan.
type Login struct {
	Kind     string
	Username string
	Password secret.Text
	Key      secret.Text // PEM private key of ssh
}

// sealed is what Credential.Secret holds.
type sealed struct {
	Password string `json:"password,omitempty"`
	Key      string `json:"key,omitempty"`
}

func place(organization string) secret.Place {
	return secret.At("target_credentials", "secret", organization)
}

func (c Credential) open(s *secret.Sealer) (Login, error) {
	text, err := s.Open(c.Secret, place(c.OrganizationID))
	if err != nil {
		return Login{}, fmt.Errorf("open the %s credential of target %s: %w", c.Kind, c.TargetID, err)
	}
	var box sealed
	if err := json.Unmarshal([]byte(text.Reveal()), &box); err != nil {
		return Login{}, fmt.Errorf("the %s credential of target %s can't be read", c.Kind, c.TargetID)
	}
	return Login{Kind: c.Kind, Username: c.Username, Password: secret.Text(box.Password), Key: secret.Text(box.Key)}, nil
}

// CredentialInput is a credential of a request. On an update one without password and key keeps the secret of its kind.
type CredentialInput struct {
	Kind     string `json:"kind" enum:"ssh,smb,snmp,http,esxi"`
	Username string `json:"username,omitempty" maxLength:"256"`
	Password string `json:"password,omitempty" maxLength:"1024" doc:"Of snmp the community"`
	Key      string `json:"key,omitempty" maxLength:"32768" doc:"PEM private key; ssh only"`
}

// sealAll checks and seals credentials for the organization; kept are those that the target has.
func sealAll(s *secret.Sealer, organization string, all []CredentialInput, kept []Credential) ([]Credential, error) {
	var rows []Credential
	var wrong []fault.Detail
	for i, in := range all {
		row, err := in.seal(s, organization, fmt.Sprintf("/target/credentials/%d", i), kept)
		switch {
		case fault.Is(err, fault.Invalid):
			wrong = append(wrong, fault.DetailsOf(err)...)
		case err != nil:
			return nil, err
		case slices.ContainsFunc(rows, func(c Credential) bool { return c.Kind == row.Kind }):
			wrong = append(wrong, fault.Detail{Pointer: fmt.Sprintf("/target/credentials/%d/kind", i), Code: "taken",
				Detail: "A target has one credential of a kind; there are two of kind " + row.Kind + "."})
		default:
			rows = append(rows, row)
		}
	}
	return rows, fault.All(wrong)
}

func (in CredentialInput) seal(s *secret.Sealer, organization, pointer string, kept []Credential) (Credential, error) {
	row := Credential{ID: db.NewID(), Kind: in.Kind, Username: in.Username}
	switch {
	case !slices.Contains(Kinds, in.Kind):
		return row, fault.At(pointer+"/kind", "unknown", "kind is one of ssh, smb, snmp, http and esxi.")
	case in.Username == "" && in.Kind != "snmp":
		return row, fault.At(pointer+"/username", "required", "A credential of kind %s needs a username.", in.Kind)
	case in.Key != "" && in.Kind != "ssh":
		return row, fault.At(pointer+"/key", "invalid", "Only ssh takes a key; give a password.")
	}
	if in.Password == "" && in.Key == "" {
		i := slices.IndexFunc(kept, func(c Credential) bool { return c.Kind == in.Kind })
		if i < 0 {
			return row, fault.At(pointer+"/password", "required", "A credential of kind %s needs a password%s.", in.Kind,
				map[bool]string{true: " or a key"}[in.Kind == "ssh"])
		}
		row.Secret = kept[i].Secret
		return row, nil
	}
	raw, err := json.Marshal(sealed{in.Password, in.Key})
	if err != nil {
		return row, fmt.Errorf("seal a credential: %w", err)
	}
	row.Secret = s.Seal(string(raw), place(organization))
	return row, nil
}
