package user

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/fault"
)

func TestReadCSV(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"email,role,last_name\nada@example.org,manager,Lovelace\n", "2 ada@example.org manager Lovelace"},
		{"\ufeffEmail ; Last_Name\r\nada@example.org;Lovelace\r\n\r\n", "2 ada@example.org user Lovelace"},
		{"email,last_name\nada@example.org,\"King, Countess\nof \"\"Lovelace\"\"\"\neve@example.org,E\n", "2 ada@example.org user King, Countess\nof \"Lovelace\"|4 eve@example.org user E"},
		{"email,phone,last_name\nada@example.org,'+43 1 234,'=E\n", "2 ada@example.org user =E"},
		{"email,last_name\nada@example.org\neve@example.org,E,F\n", "2 !columns|3 !columns"},
		{"email,last_name\nada@example.org," + strings.Repeat("x", 201) + "\n", "2 !too_long"},
		{"", "empty"}, {"\ufeff", "empty"}, {"\n\n", "empty"}, {"email\n", "empty"}, {"email", "empty"},
		{"name,role\nada,user\n", "unknown_column|column_missing"}, {"email,password\nada@example.org,secret\n", "unknown_column"},
		{"last_name\nLovelace\n", "column_missing"}, {"email,EMAIL\na,b\n", "column_twice"},
		{"email\n\"ada@example.org\n", "bad_csv"}, {"email\na\"da@example.org\n", "bad_csv"}, {"\"email\nx\n", "bad_csv"},
		{"email\nada\xff@example.org\n", "bad_text"}, {"email\nada\x00@example.org\n", "bad_text"}, {"\xff\xfee\x00m\x00", "bad_text"},
		{strings.Repeat("a,", 100) + "email\nx\n", "unknown_column"},
		{"email\n" + strings.Repeat("ada@example.org\n", MaxImport+1), "too_many"},
	} {
		all, err := readCSV([]byte(c.text))
		var got []string
		for _, d := range fault.DetailsOf(err) {
			if got = append(got, d.Code); d.Pointer != "file" {
				t.Errorf("%.40q: %+v", c.text, d)
			}
		}
		for _, r := range all {
			text := fmt.Sprint(r.line, " ", r.in.Email, " ", r.in.Role, " ", r.in.LastName)
			if len(r.wrong) > 0 {
				text = fmt.Sprint(r.line, " !", r.wrong[0].Code)
			}
			got = append(got, text)
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%.60q: %q, %v; want %q", c.text, got, err, c.want)
		}
	}
	all, err := readCSV([]byte("email\n" + strings.Repeat("ada@example.org\n", MaxImport)))
	if err != nil || len(all) != MaxImport {
		t.Errorf("%d rows, %v", len(all), err)
	}
}

func FuzzReadCSV(f *testing.F) {
	for _, seed := range []string{"email,role\nada@example.org,user\n", "\ufeffemail;last_name\r\n\"a\"\"b\";'=1\r\n", "email\n\"", "email,organization\nx,y,z", "a\n", ""} {
		f.Add([]byte(seed))
	}
	maker := access.Principal{Role: access.Manager, Acting: access.Organization{ID: "o"}}
	f.Fuzz(func(t *testing.T, content []byte) {
		all, err := readCSV(bytes.Clone(content))
		if err != nil {
			var wrong *fault.Fault
			if !errors.As(err, &wrong) || wrong.Kind != fault.Invalid || len(all) != 0 {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, r := range all {
			u, err := r.in.user(maker)
			if err == nil && len(r.wrong) == 0 && (u.Email == "" || strings.ContainsAny(u.Email, "\r\n\x00") || u.OrganizationID == "") {
				t.Fatalf("%+v", u)
			}
		}
	})
}
