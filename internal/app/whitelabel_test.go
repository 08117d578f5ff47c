package app

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/access"
)

// look is white label settings as they are answered.
type look struct {
	ID              string
	HostNames       []string `json:"host_names"`
	Name            string
	Logo, Favicon   *string
	PrimaryColor    string  `json:"primary_color"`
	SecondaryColor  string  `json:"secondary_color"`
	MailFooter      string  `json:"mail_footer"`
	MailFromAddress string  `json:"mail_from_address"`
	UpdatedAt       *string `json:"updated_at"`
}

func (p *program) look(a answer) look {
	p.Helper()
	var one struct{ Data struct{ Attributes look } }
	a.decode(p, &one)
	return one.Data.Attributes
}

// at asks for the settings as a sign-in page does: without a token, of the host that it is addressed to.
func (p *program) at(host string) look {
	p.Helper()
	r := httptest.NewRequest("GET", "https://"+host+"/v2/whitelabel", nil)
	w := httptest.NewRecorder()
	p.app.api.Handler.ServeHTTP(w, r)
	if w.Code != 200 || w.Result().Header.Get("Cache-Control") == "" {
		p.Fatalf("%s: %d %v %s", host, w.Code, w.Result().Header, w.Body)
	}
	return p.look(answer{w.Code, w.Result().Header, w.Body.Bytes()})
}

func dataURI(kind string, content []byte) string {
	return "data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(content)
}

// square is a PNG of one colour, with a text chunk that is not part of the picture.
func square(side int) []byte {
	picture := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		picture.SetNRGBA(i%side, i/side, color.NRGBA{R: 0x17, G: 0x36, B: 0x5d, A: 0xff})
	}
	var out bytes.Buffer
	_ = png.Encode(&out, picture)
	raw := out.Bytes()
	end := len(raw) - 12 // the last chunk, IEND
	return append(append(append([]byte{}, raw[:end]...), chunk("tEXt", []byte("Comment\x00<script>alert(1)</script>"))...), raw[end:]...)
}

// chunk of a PNG (RFC 2083, 3.2).
func chunk(kind string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(append(out, kind...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// bomb is a PNG of a few bytes that says it is a billion pixels large.
func bomb() []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 1<<15), 1<<15)
	return append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, 6, 0, 0, 0))...)
}

// TestWhitelabel: a partner's look at its host names, in its customers' mails and reports, as long as it has the feature.
func TestWhitelabel(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		partner := p.organization("admin", "northlight", access.Partner, access.Manager)
		rival := p.organization("admin", "rival", access.Partner)
		shop := p.organization("partner@northlight", "shop", access.Manager)
		p.hostNames(partner, rival)
		p.refusedLooks(partner)
		p.images(partner)
		p.carried(shop)
		p.withoutFeature(partner)
	})
}

func (p *program) hostNames(partner, rival string) {
	p.Helper()
	path := "/v2/organizations/" + partner + "/whitelabel"
	if l := p.look(p.must(200, "partner@northlight", "GET", path, nil)); l.UpdatedAt != nil || len(l.HostNames) != 0 || l.ID != partner {
		p.Errorf("before any were set: %+v", l)
	}
	l := p.look(p.must(200, "partner@northlight", "PUT", path, object{"whitelabel": object{"name": "Northlight", "host_names": []string{"Scan.Northlight.example.", "bücher.example"},
		"primary_color": "#17365D", "mail_footer": "Northlight Ltd", "mail_from_name": "Northlight desk", "mail_from_address": "scan@northlight.example",
		"support_email": "help@northlight.example", "report_cover_text": "For our customers", "report_footer": "Northlight, confidential"}}))
	if strings.Join(l.HostNames, " ") != "scan.northlight.example xn--bcher-kva.example" || l.PrimaryColor != "#17365d" || l.SecondaryColor == "" {
		p.Errorf("set: %+v", l)
	}
	for _, host := range []string{"scan.northlight.example", "SCAN.northlight.EXAMPLE:8443"} {
		if l := p.at(host); l.Name != "Northlight" || strings.Join(l.HostNames, " ") != "scan.northlight.example" || l.MailFooter != "Northlight Ltd" {
			p.Errorf("at %s: %+v", host, l)
		}
	}
	for _, host := range []string{"nobody.example", "127.0.0.1", "localhost", "northlight.example"} {
		if l := p.at(host); l.Name != "Vedette" || l.ID != access.Installation || len(l.HostNames) != 0 {
			p.Errorf("at the unknown %s: %+v", host, l)
		}
	}
	if l := p.look(p.must(200, "", "GET", "/v2/whitelabel?host=b%C3%BCcher.example", nil)); l.Name != "Northlight" {
		p.Errorf("by a parameter: %+v", l)
	}
	p.refused(422, "", "GET", "/v2/whitelabel?host=http://x/", nil)
	other := "/v2/organizations/" + rival + "/whitelabel"
	if x := p.refused(422, "partner@rival", "PUT", other, object{"whitelabel": object{"host_names": "SCAN.northlight.example"}}); !x.names("/whitelabel/host_names", "taken") {
		p.Errorf("another's host name: %+v", x)
	}
	p.refused(404, "partner@rival", "PUT", path, object{"whitelabel": object{"name": "x"}})
	if a := p.must(200, "partner@northlight", "GET", "/v2/audit/events?q[action]=updateWhitelabel", nil); !bytes.Contains(a.Body, []byte("scan.northlight.example")) {
		p.Errorf("the audit trail: %s", a.Body)
	}
}

func (p *program) refusedLooks(partner string) {
	p.Helper()
	path := "/v2/organizations/" + partner + "/whitelabel"
	before := p.look(p.must(200, "partner@northlight", "GET", path, nil))
	for name, c := range map[string]struct {
		in            object
		pointer, code string
	}{
		"pale":         {object{"primary_color": "#ffff00"}, "/whitelabel/primary_color", "contrast"},
		"dark":         {object{"secondary_color": "#000080"}, "/whitelabel/secondary_color", "contrast"},
		"a name":       {object{"primary_color": "red"}, "/whitelabel/primary_color", "invalid"},
		"huge":         {object{"logo": dataURI("png", bomb())}, "/whitelabel/logo", "too_large"},
		"svg":          {object{"logo": dataURI("svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`))}, "/whitelabel/logo", "invalid"},
		"svg as png":   {object{"logo": dataURI("png", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`))}, "/whitelabel/logo", "invalid"},
		"truncated":    {object{"logo": dataURI("png", square(64)[:120])}, "/whitelabel/logo", "invalid"},
		"long":         {object{"favicon": dataURI("png", make([]byte, 200<<10))}, "/whitelabel/favicon", "too_large"},
		"wide":         {object{"favicon": dataURI("png", square(513))}, "/whitelabel/favicon", "too_large"},
		"elsewhere":    {object{"logo": "https://evil.example/logo.png"}, "/whitelabel/logo", "invalid"},
		"another's":    {object{"logo": "/v2/whitelabel/images/" + access.Installation}, "/whitelabel/logo", "invalid"},
		"a script":     {object{"terms_url": "javascript:alert(1)"}, "/whitelabel/terms_url", "invalid"},
		"two senders":  {object{"mail_from_address": "a@x.example, b@x.example"}, "/whitelabel/mail_from_address", "invalid"},
		"two lines":    {object{"mail_from_name": "x\r\nBcc: eve@example.org"}, "/whitelabel/mail_from_name", "invalid"},
		"turned":       {object{"name": "ab\u202ecd"}, "/whitelabel/name", "invalid"},
		"no host name": {object{"host_names": []string{"ok.example", "https://x.example/"}}, "/whitelabel/host_names/1", "invalid"},
		"unknown":      {object{"colour": "#000000"}, "/whitelabel/colour", "unknown_attribute"},
		"nothing":      {object{}, "/whitelabel", "empty"},
	} {
		x := p.refused(422, "partner@northlight", "PUT", path, object{"whitelabel": c.in})
		if len(x.Errors) != 1 || !x.names(c.pointer, c.code) {
			p.Errorf("%s: %+v", name, x)
		}
		if name == "pale" && !strings.Contains(x.Errors[0].Detail, "1.07:1") {
			p.Errorf("the ratio is not told: %+v", x)
		}
	}
	if after := p.look(p.must(200, "partner@northlight", "GET", path, nil)); *after.UpdatedAt != *before.UpdatedAt || len(after.HostNames) != 2 {
		p.Errorf("a refused change left %+v", after)
	}
}

// images are written anew, served to all, and gone once they are replaced.
func (p *program) images(partner string) {
	p.Helper()
	path := "/v2/organizations/" + partner + "/whitelabel"
	put := func(in object) look {
		p.Helper()
		return p.look(p.must(200, "partner@northlight", "PUT", path, object{"whitelabel": in}))
	}
	first := put(object{"logo": dataURI("png", square(64)), "favicon": dataURI("png", square(32))})
	a := p.must(200, "", "GET", *first.Logo, nil)
	picture, err := png.Decode(bytes.NewReader(a.Body))
	if err != nil || picture.Bounds().Dx() != 64 || bytes.Contains(a.Body, []byte("script")) {
		p.Errorf("the picture: %v, %d bytes", err, len(a.Body))
	}
	if h := a.Header; h.Get("Content-Type") != "image/png" || h.Get("X-Content-Type-Options") != "nosniff" || strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
		p.Errorf("%v", h)
	}
	if same := put(object{"logo": *first.Logo, "name": "Northlight Scanning"}); *same.Logo != *first.Logo {
		p.Errorf("sent back as it was answered: %+v", same)
	}
	if second := put(object{"logo": dataURI("png", square(48)), "favicon": nil}); *second.Logo == *first.Logo || second.Favicon != nil {
		p.Errorf("replaced: %+v", second)
	}
	for _, gone := range []string{*first.Logo, *first.Favicon, "/v2/whitelabel/images/none"} {
		p.refused(404, "", "GET", gone, nil)
	}
}

// carried: a customer's mails and reports have the look of the partner above.
func (p *program) carried(shop string) {
	p.Helper()
	const m = "manager@shop"
	p.must(200, "", "POST", "/v2/auth/password", object{"email": "manager@shop.example"})
	mail := p.mail.Wait(p, "manager@shop.example", 1)
	if from := mail.Header.Get("From"); from != `"Northlight desk" <scan@northlight.example>` {
		p.Errorf("the mail is from %s", from)
	}
	for _, part := range []string{"Northlight Scanning", "Northlight Ltd", "help@northlight.example"} {
		if !strings.Contains(mail.Text, part) || !strings.Contains(mail.HTML, part) {
			p.Errorf("the mail has no %q:\n%s", part, mail.Raw)
		}
	}
	if !strings.Contains(mail.HTML, "#17365d") || strings.Contains(mail.Text, "Vedette") || strings.Contains(mail.HTML, "Vedette") {
		p.Errorf("the mail's look:\n%s", mail.HTML)
	}
	scan := p.scan(m, "web", p.target(m, "web", "192.0.2.1"))
	p.runs(m, scan)
	report := "/v2/reports/" + p.first(m, "/v2/reports")
	p.must(200, m, "POST", report+"/generate", object{"type": "executive", "format": "html"})
	p.eventually("the file", func() bool {
		return bytes.Contains(p.must(200, m, "GET", report+"/file_exists?type=executive&format=html", nil).Body, []byte(`"done"`))
	})
	file := p.must(200, m, "GET", report+"/download?type=executive&format=html", nil).Body
	for _, part := range []string{"Northlight, confidential", "For our customers", "#17365d", "data:image/png;base64,"} {
		if !bytes.Contains(file, []byte(part)) {
			p.Errorf("the report has no %q", part)
		}
	}
	if l := p.look(p.must(200, m, "GET", "/v2/organizations/"+shop+"/whitelabel", nil)); l.UpdatedAt != nil {
		p.Errorf("a customer's own settings are those above: %+v", l)
	}
}

// withoutFeature the settings stay, and rest.
func (p *program) withoutFeature(partner string) {
	p.Helper()
	root := "/v2/organizations/" + partner
	for _, code := range []string{"pci-default", "vrms-default", "penetration-default"} {
		for _, s := range p.soldTo("admin", partner, "/active?q[plan]="+code) {
			for _, d := range p.dependentOn(partner) {
				p.must(200, "admin", "POST", "/v2/organizations/"+d[0]+"/unsubscribe_organization", object{"subscription_id": d[1]})
			}
			p.must(200, "admin", "POST", root+"/unsubscribe_organization", object{"subscription_id": s.ID})
		}
	}
	p.must(201, "admin", "POST", "/v2/plans", newPlan("plain", 5, nil))
	p.must(201, "admin", "POST", root+"/subscribe_organization", object{"plan": "plain"})
	if l := p.at("scan.northlight.example"); l.Name != "Vedette" {
		p.Errorf("without the feature: %+v", l)
	}
	if x := p.refused(403, "partner@northlight", "PUT", root+"/whitelabel", object{"whitelabel": object{"name": "x"}}); x.Code != "feature_required" {
		p.Errorf("%+v", x)
	}
	p.must(200, "partner@northlight", "GET", root, nil)
	if l := p.look(p.must(200, "admin", "GET", root+"/whitelabel", nil)); l.Name != "Northlight Scanning" {
		p.Errorf("the settings did not stay: %+v", l)
	}
}

// dependentOn an organization's subscriptions: the organizations below and their subscriptions.
func (p *program) dependentOn(id string) [][2]string {
	p.Helper()
	var list struct {
		Data []struct {
			ID         string
			Attributes struct{ Organization struct{ ID string } }
		}
	}
	p.must(200, "admin", "GET", "/v2/organizations/"+id+"/dependent_subscriptions", nil).decode(p, &list)
	var all [][2]string
	for _, d := range list.Data {
		all = append(all, [2]string{d.Attributes.Organization.ID, d.ID})
	}
	return all
}
