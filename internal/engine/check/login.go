package check

import (
	"fmt"

	"github.com/vedette/vedette/internal/scanlink"
)

// login is the finding of an account that its default or guessable password opens.
func (e *env) login(user, password string, response []byte) scanlink.Finding {
	pair := dash(user) + "/" + dash(password)
	f := e.found("creds", []byte("login "+pair), response, fmt.Sprintf("The %s service accepts the login %s.", protocol(e.t), pair))
	f.Login = pair
	return f
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
