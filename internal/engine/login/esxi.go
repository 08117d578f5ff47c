package login

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
	"github.com/vedette/vedette/internal/scanlink"
)

var (
	esxiManager = regexp.MustCompile(`<sessionManager type="SessionManager">([A-Za-z0-9-]{1,64})</sessionManager>`)
	esxiName    = regexp.MustCompile(`<fullName>(VMware ESXi? [^<]{1,80})</fullName>`)
	esxiVersion = regexp.MustCompile(`<version>(\d{1,3}(?:\.\d{1,3}){1,3})</version>`)
)

// tryESXi signs in over the interface of vSphere (vim25, SOAP) and reads the version with its build.
func tryESXi(ctx context.Context, s *session) scanlink.Login {
	client := httpwire.New(ctx, s.net, s.target, httpwire.Options{MaxRequests: 4})
	defer client.Close()
	content := soap(client, `<urn:RetrieveServiceContent><urn:_this type="ServiceInstance">ServiceInstance</urn:_this></urn:RetrieveServiceContent>`)
	if content == nil || !bytes.Contains(content.Body, []byte("RetrieveServiceContentResponse")) {
		return scanlink.Login{Result: scanlink.NotCapable, Detail: "The service is no interface of vSphere."}
	}
	manager := esxiManager.FindSubmatch(content.Body)
	if manager == nil {
		return scanlink.Login{Result: scanlink.NotCapable, Detail: "The interface of vSphere tells of no logins."}
	}
	answer := soap(client, fmt.Sprintf(`<urn:Login><urn:_this type="SessionManager">%s</urn:_this><urn:userName>%s</urn:userName><urn:password>%s</urn:password></urn:Login>`,
		manager[1], escaped(s.credential.Username), escaped(s.credential.Password)))
	switch {
	case answer == nil:
		return failed("The server did not answer.")
	case answer.Status != 200 || !bytes.Contains(answer.Body, []byte("LoginResponse")):
		return failed("The server refuses the user name or password.")
	}
	if name, v := esxiName.FindSubmatch(content.Body), esxiVersion.FindSubmatch(content.Body); name != nil && v != nil {
		s.result.OS, s.result.OSCPE = string(name[1]), "cpe:2.3:o:vmware:esxi:"+string(v[1])+":*:*:*:*:*:*:*"
	}
	return scanlink.Login{Result: scanlink.Authenticated}
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

func soap(c *httpwire.Client, body string) *httpwire.Response {
	r := &httpwire.Request{Method: "POST", Target: "/sdk", Body: []byte(`<?xml version="1.0" encoding="UTF-8"?>` +
		`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:vim25"><soapenv:Body>` + body + `</soapenv:Body></soapenv:Envelope>`)}
	r.Set("Content-Type", "text/xml; charset=utf-8")
	r.Set("SOAPAction", `"urn:vim25/6.0"`)
	answer, err := c.Do(r)
	if err != nil {
		return nil
	}
	return answer
}
