package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"
)

var greeting = regexp.MustCompile(`Vedette serves (http://\S+) `)

// serve starts the service and gives its address. Only the addresses of the demo's own servers may be scanned.
func (s *show) serve(ctx context.Context) (string, error) {
	s.stage.password = newPassword()
	cmd := exec.Command(s.Executable, "serve")
	cmd.Env = []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"VEDETTE_DATA_DIR=" + filepath.Join(s.Dir, "data"),
		"VEDETTE_HTTP_ADDRESS=127.0.0.1:0",
		"VEDETTE_SCAN_ALLOW_NETWORKS=127.0.0.0/8",
		"VEDETTE_OPERATOR_USERNAME=" + operatorName,
		"VEDETTE_OPERATOR_PASSWORD=" + s.stage.password,
		"VEDETTE_ASV_COMPANY=Example Scanning", "VEDETTE_ASV_CONTACT=Sam Scanner", "VEDETTE_ASV_TITLE=Analyst", "VEDETTE_ASV_PHONE=+1 555 0199",
		"VEDETTE_ASV_EMAIL=asv@example.com", "VEDETTE_ASV_ADDRESS=2 Low Street", "VEDETTE_ASV_CITY=Springfield", "VEDETTE_ASV_STATE=OR",
		"VEDETTE_ASV_ZIP=97477", "VEDETTE_ASV_COUNTRY=US", "VEDETTE_ASV_URL=https://asv.example.com", "VEDETTE_ASV_REVIEWER=Robin Reviewer",
	}
	p, err := s.stage.launch("vedette", cmd, filepath.Join(s.Dir, "vedette.log"), nil)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		text, err := os.ReadFile(p.log)
		if err != nil {
			return "", err
		}
		if found := greeting.FindSubmatch(text); found != nil {
			return string(found[1]), nil
		}
		select {
		case <-p.done:
			return "", fmt.Errorf("the service ended at once:\n%s", tail(p.log))
		case <-ctx.Done():
			return "", fmt.Errorf("the service does not start:\n%s", tail(p.log))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
