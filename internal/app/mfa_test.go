package app

import (
	"bytes"
	"encoding/json"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/secret"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// Stories sign in all the time, and protect nothing.
func init() { passwordCost = secret.TestCost }

// signedIn is what a sign-in answers.
type signedIn struct {
	Token            string
	OTPSessionState  string   `json:"otp_session_state"`
	OTPMethods       []string `json:"otp_methods"`
	OTPDefaultMethod string   `json:"otp_default_method"`
	User             struct{ Username string }
}

// twoFactor is what users show.
type twoFactor struct {
	Enabled          bool
	OTPSMSEnabled    bool    `json:"otp_sms_enabled"`
	OTPTOTPEnabled   bool    `json:"otp_totp_enabled"`
	OTPPhone         *string `json:"otp_phone"`
	OTPDefaultMethod *string `json:"otp_default_method"`
}

// half signs in with the password and gives the state that the second step needs.
func (p *program) half(user string) signedIn {
	p.Helper()
	var s signedIn
	p.signIn(200, user, password).decode(p, &s)
	if s.Token != "" || s.OTPSessionState == "" {
		p.Fatalf("%s: no second step: %+v", user, s)
	}
	return s
}

func (p *program) second(status int, state, code string) answer {
	p.Helper()
	return p.must(status, "", "POST", "/v2/auth/sign_in", object{"otp_session_state": state, "otp_attempt": code})
}

func (p *program) recoverWith(status int, state, code string) answer {
	p.Helper()
	return p.must(status, "", "POST", "/v2/auth/sign_in_with_recovery_code", object{"otp_session_state": state, "recovery_code": code})
}

// code of an authenticator at the program's time, some steps off.
func (p *program) code(seed string, steps int) string {
	p.Helper()
	code, err := totp.GenerateCode(seed, p.clock.Now().Add(time.Duration(steps)*30*time.Second))
	if err != nil {
		p.Fatal(err)
	}
	return code
}

// installTOTP turns it on and gives the seed and the recovery codes.
func (p *program) installTOTP(user string) (seed string, codes []string) {
	p.Helper()
	var prepared struct {
		Method, Secret string
		URL            string `json:"otpauth_url"`
		QR             []byte `json:"qr_png"`
	}
	p.must(200, user, "PUT", "/v2/user/mfa/enable?method=totp", nil).decode(p, &prepared)
	if _, err := png.Decode(bytes.NewReader(prepared.QR)); err != nil || prepared.Secret == "" || !strings.HasPrefix(prepared.URL, "otpauth://totp/") {
		p.Errorf("prepared: %+v, %v", prepared.URL, err)
	}
	var out struct {
		Two   twoFactor `json:"two_factor_authentication"`
		Codes []string  `json:"recovery_codes"`
	}
	p.must(200, user, "PUT", "/v2/user/mfa/verify_installation", object{"method": "totp", "otp_attempt": p.code(prepared.Secret, 0)}).decode(p, &out)
	if !out.Two.Enabled || !out.Two.OTPTOTPEnabled || len(out.Codes) != 10 {
		p.Fatalf("installed: %+v", out)
	}
	return prepared.Secret, out.Codes
}

// factors as the user itself, and as a list shows them.
func (p *program) factors(user string) twoFactor {
	p.Helper()
	var me struct {
		Data struct {
			Attributes struct {
				Two twoFactor `json:"two_factor_authentication"`
			}
		}
	}
	shown := p.must(200, user, "GET", "/v2/user/me", nil)
	shown.decode(p, &me)
	listed := p.must(200, user, "GET", "/v2/users?q[username]="+user, nil)
	raw, err := json.Marshal(me.Data.Attributes.Two)
	if err != nil {
		p.Fatal(err)
	}
	part := regexp.MustCompile(`"two_factor_authentication":(\{[^}]*\})`)
	if a, b := part.FindSubmatch(shown.Body), part.FindSubmatch(listed.Body); a == nil || b == nil || !bytes.Equal(a[1], b[1]) {
		p.Errorf("me %s, listed %s", raw, listed.Body)
	}
	return me.Data.Attributes.Two
}

func TestTOTP(t *testing.T) {
	t.Parallel()
	each(t, func(p *program) {
		p.organization("admin", "acme", access.Manager, access.User)
		const m = "manager@acme"
		if f := p.factors(m); f.Enabled || f.OTPDefaultMethod != nil {
			p.Errorf("before: %+v", f)
		}
		p.refused(409, m, "PUT", "/v2/user/mfa/verify_installation?method=totp", object{"otp_attempt": "123456"})
		p.refused(409, m, "PUT", "/v2/user/mfa/default_method?method=totp", nil)
		p.refused(422, m, "PUT", "/v2/user/mfa/enable?method=carrier+pigeon", nil)
		p.refused(422, m, "PUT", "/v2/user/mfa/enable", nil)
		var first struct{ Secret string }
		p.must(200, m, "PUT", "/v2/user/mfa/enable", object{"method": "totp"}).decode(p, &first)
		if x := p.refused(422, m, "PUT", "/v2/user/mfa/verify_installation", object{"method": "totp", "otp_attempt": "000000"}); x.Errors[0].Pointer != "/otp_attempt" {
			p.Errorf("%+v", x)
		}
		if f := p.factors(m); f.Enabled {
			p.Error("enable turned it on")
		}
		p.clock.Move(16 * time.Minute)
		p.refused(409, m, "PUT", "/v2/user/mfa/verify_installation", object{"method": "totp", "otp_attempt": p.code(first.Secret, 0)})
		seed, codes := p.installTOTP(m)
		if f := p.factors(m); !f.OTPTOTPEnabled || f.OTPSMSEnabled || *f.OTPDefaultMethod != "totp" || f.OTPPhone != nil {
			p.Errorf("after: %+v", f)
		}
		if x := p.refused(409, m, "PUT", "/v2/user/mfa/enable?method=totp", nil); x.Code != "method_on" {
			p.Errorf("%+v", x)
		}
		p.secondStep(m, seed)
		p.recovery(m, seed, codes)
		p.disable(m)
	})
}

// secondStep: replays, clocks that are off, tries, ends.
func (p *program) secondStep(m, seed string) {
	p.Helper()
	s := p.half(m)
	if len(s.OTPMethods) != 1 || s.OTPMethods[0] != "totp" || s.OTPDefaultMethod != "totp" {
		p.Errorf("%+v", s)
	}
	if a := p.must(200, "", "POST", "/v2/auth/mfa/check", object{"otp_session_state": s.OTPSessionState}); !bytes.Contains(a.Body, []byte(`{"otp_methods":["totp"],"otp_default_method":"totp"}`)) {
		p.Errorf("check: %s", a.Body)
	}
	p.refused(422, "", "POST", "/v2/auth/mfa/check", object{"otp_session_state": "vdo_unknown"})
	p.refused(409, "", "POST", "/v2/auth/mfa/send_sms_otp", object{"otp_session_state": s.OTPSessionState})
	p.second(401, s.OTPSessionState, p.code(seed, 0)) // the step that the installation used
	p.second(401, s.OTPSessionState, p.code(seed, -1))
	p.second(401, s.OTPSessionState, p.code(seed, 2))
	p.second(401, s.OTPSessionState, "")
	p.clock.Move(30 * time.Second)
	code := p.code(seed, 0)
	var in signedIn
	p.second(200, s.OTPSessionState, code[:3]+" "+code[3:]).decode(p, &in)
	if in.Token == "" || in.User.Username != m {
		p.Errorf("%+v", in)
	}
	p.must(200, "", "GET", "/v2/user/me", nil, bearer(in.Token)...)
	p.second(422, s.OTPSessionState, p.code(seed, 1)) // the state is used up
	again := p.half(m)
	p.second(401, again.OTPSessionState, code) // the same step in another sign-in
	p.second(200, again.OTPSessionState, p.code(seed, 1))
	// five tries, then never again
	p.clock.Move(2 * time.Minute)
	tried := p.half(m)
	for range 5 {
		p.second(401, tried.OTPSessionState, "999999x")
	}
	p.clock.Move(time.Minute)
	p.second(422, tried.OTPSessionState, p.code(seed, 0))
	// ten minutes
	p.tokens[m] = ""
	late := p.half(m)
	p.clock.Move(10*time.Minute - time.Second)
	p.second(200, late.OTPSessionState, p.code(seed, 0))
	late = p.half(m)
	p.clock.Move(10 * time.Minute)
	p.second(422, late.OTPSessionState, p.code(seed, 0))
	// the same code at the same time, in two sign-ins
	p.clock.Move(time.Minute)
	one, two := p.half(m), p.half(m)
	if n := p.parallel(2, func(i int) int {
		return p.call("", "POST", "/v2/auth/sign_in", object{"otp_session_state": []signedIn{one, two}[i].OTPSessionState, "otp_attempt": p.code(seed, 0)}).Status
	}); n[200] != 1 {
		p.Errorf("one code at the same time: %v", n)
	}
	p.clock.Move(time.Minute)
	var last signedIn
	p.second(200, p.half(m).OTPSessionState, p.code(seed, 0)).decode(p, &last)
	p.tokens[m] = last.Token
}

// parallel counts what so many calls at the same time answer.
func (p *program) parallel(n int, call func(int) int) map[int]int {
	p.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	seen := map[int]int{}
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			status := call(i)
			mu.Lock()
			defer mu.Unlock()
			seen[status]++
		})
	}
	close(begin)
	all.Wait()
	return seen
}

type recoveryCodes struct {
	Remaining int
	Codes     []string `json:"recovery_codes"`
}

func (p *program) recovery(m, seed string, codes []string) {
	p.Helper()
	s := p.half(m)
	p.recoverWith(401, s.OTPSessionState, "abcd-efghi-jklm")
	p.recoverWith(200, s.OTPSessionState, " "+strings.ToUpper(codes[3])+" ")
	p.recoverWith(401, p.half(m).OTPSessionState, codes[3])
	// a hundred at the same time
	const many = 100
	states := make([]string, many)
	for i := range states {
		states[i] = p.half(m).OTPSessionState
	}
	seen := p.parallel(many, func(i int) int {
		return p.call("", "POST", "/v2/auth/sign_in_with_recovery_code", object{"otp_session_state": states[i], "recovery_code": codes[4]}).Status
	})
	if seen[200] != 1 || seen[200]+seen[401]+seen[429] != many {
		p.Errorf("one recovery code, a hundred times: %v", seen)
	}
	p.clock.Move(2 * time.Hour)
	var shown recoveryCodes
	p.must(200, m, "GET", "/v2/user/mfa/recovery_codes", nil).decode(p, &shown)
	if shown.Remaining != 8 || shown.Codes != nil {
		p.Errorf("long after the password: %+v", shown)
	}
	var in signedIn
	p.second(200, p.half(m).OTPSessionState, p.code(seed, 0)).decode(p, &in)
	p.must(200, "", "GET", "/v2/user/mfa/recovery_codes", nil, bearer(in.Token)...).decode(p, &shown)
	if len(shown.Codes) != 8 || shown.Codes[3] != codes[5] {
		p.Errorf("just after the password: %+v", shown)
	}
	if x := p.refused(422, m, "PUT", "/v2/user/mfa/recovery_codes", object{"password": "not this one"}); x.Errors[0].Pointer != "/password" {
		p.Errorf("%+v", x)
	}
	var fresh recoveryCodes
	p.must(200, m, "PUT", "/v2/user/mfa/recovery_codes", object{"password": password}).decode(p, &fresh)
	p.must(200, m, "GET", "/v2/user/mfa/recovery_codes", nil).decode(p, &shown)
	if len(fresh.Codes) != 10 || shown.Remaining != 10 || strings.Join(shown.Codes, " ") != strings.Join(fresh.Codes, " ") {
		p.Errorf("fresh %v, shown %+v", fresh, shown)
	}
	p.recoverWith(401, p.half(m).OTPSessionState, codes[5])
	p.recoverWith(200, p.half(m).OTPSessionState, fresh.Codes[5])
	token := p.must(200, m, "PUT", "/v2/user/generate_access_token", nil)
	var access struct{ Token string }
	token.decode(p, &access)
	if a := p.must(200, "", "GET", "/v2/user/mfa/recovery_codes", nil, basic(access.Token)...); !bytes.Contains(a.Body, []byte(`"recovery_codes":null`)) {
		p.Errorf("with an access token: %s", a.Body)
	}
}

func (p *program) disable(m string) {
	p.Helper()
	open := p.half(m)
	p.refused(422, m, "PUT", "/v2/user/mfa/disable", object{"method": "totp", "password": "not this one"})
	p.refused(409, m, "PUT", "/v2/user/mfa/disable", object{"method": "sms", "password": password})
	p.must(200, m, "PUT", "/v2/user/mfa/disable?method=totp", object{"password": password})
	if f := p.factors(m); f.Enabled || f.OTPDefaultMethod != nil {
		p.Errorf("disabled: %+v", f)
	}
	p.refused(422, "", "POST", "/v2/auth/mfa/check", object{"otp_session_state": open.OTPSessionState})
	p.refused(409, m, "PUT", "/v2/user/mfa/recovery_codes", object{"password": password})
	p.signIn(200, m, password)
}

// carrier speaks like Twilio's API and keeps what it was sent.
type carrier struct {
	*httptest.Server
	mu   sync.Mutex
	sent []string // number, text
	fail int      // so many answers of 500 first
}

func newCarrier(t *testing.T) *carrier {
	t.Helper()
	c := &carrier{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, token, _ := r.BasicAuth()
		c.mu.Lock()
		defer c.mu.Unlock()
		switch {
		case r.URL.Path != "/2010-04-01/Accounts/AC1/Messages.json" || name != "AC1" || token != "the token":
			w.WriteHeader(http.StatusUnauthorized)
		case c.fail > 0:
			c.fail--
			w.WriteHeader(http.StatusInternalServerError)
		default:
			c.sent = append(c.sent, r.PostFormValue("To")+" "+r.PostFormValue("Body"))
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"status":"queued"}`)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// codeTo is that of message number n, once it was sent.
func (c *carrier) codeTo(p *program, number string, n int) string {
	p.Helper()
	var code string
	p.eventually("a text message", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.sent) >= n && strings.HasPrefix(c.sent[n-1], number+" ") {
			code = sixDigits.FindString(c.sent[n-1][len(number):])
		}
		return code != ""
	})
	return code
}

func (c *carrier) options() []string {
	return []string{"VEDETTE_SMS_PROVIDER=twilio", "VEDETTE_SMS_ACCOUNT=AC1", "VEDETTE_SMS_TOKEN=the token", "VEDETTE_SMS_FROM=+12025550100", "VEDETTE_SMS_BASE_URL=" + c.URL}
}

func TestSMS(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			c := newCarrier(t)
			p := start(t, dialect, c.options()...)
			p.organization("admin", "acme", access.Manager, access.User)
			p.installSMS(c)
			p.signInBySMS(c)
			p.messageLimits()
		})
	}
}

const (
	manager = "manager@acme"
	mobile  = "+436641234567"
)

func (p *program) installSMS(c *carrier) {
	p.Helper()
	for query, want := range map[string]string{
		"phone_number=0664%201234567&country_code=AT": `{"valid":true,"e164":"+436641234567","country_code":"AT","line_type":"mobile"}`,
		"phone_number=0664-1234567&country_code=43":   `{"valid":true,"e164":"+436641234567","country_code":"AT","line_type":"mobile"}`,
		"phone_number=12": `{"valid":false,"e164":null,"country_code":null,"line_type":null}`,
	} {
		if a := p.must(200, manager, "GET", "/v2/user/mfa/lookup_phone_number?"+query, nil); strings.TrimSpace(string(a.Body)) != want {
			p.Errorf("%s: %s", query, a.Body)
		}
	}
	p.refused(422, manager, "GET", "/v2/user/mfa/lookup_phone_number", nil)
	for number, code := range map[string]string{"": "invalid", "12": "invalid", "+4315811234": "no_messages", "+43900123456": "no_messages"} {
		if x := p.refused(422, manager, "PUT", "/v2/user/mfa/enable", object{"method": "sms", "phone_number": number}); x.Errors[0].Pointer != "phone_number" || x.Errors[0].Code != code {
			p.Errorf("%q: %+v", number, x)
		}
	}
	c.mu.Lock()
	c.fail = 1 // is tried again
	c.mu.Unlock()
	var prepared struct {
		Method, Message string
		PhoneNumber     string `json:"phone_number"`
	}
	p.must(200, manager, "PUT", "/v2/user/mfa/enable?method=sms&phone_number=0664+1234567&country_code=AT", nil).decode(p, &prepared)
	if prepared.Method != "sms" || prepared.PhoneNumber != mobile || prepared.Message == "" {
		p.Errorf("%+v", prepared)
	}
	code := c.codeTo(p, mobile, 1)
	p.keptClear(code)
	p.refused(422, manager, "PUT", "/v2/user/mfa/verify_installation?method=sms", object{"otp_attempt": code[:5]})
	p.must(200, manager, "PUT", "/v2/user/mfa/verify_installation?method=sms", object{"otp_attempt": code})
	if f := p.factors(manager); !f.Enabled || !f.OTPSMSEnabled || f.OTPTOTPEnabled || *f.OTPPhone != mobile || *f.OTPDefaultMethod != "sms" {
		p.Errorf("%+v", f)
	}
}

// keptClear fails where the database holds the code.
func (p *program) keptClear(code string) {
	p.Helper()
	var rows []string
	err := p.app.DB.Read(p.Context(), access.System(access.DoorTest), func(tx *db.Tx) error {
		return tx.Query(&rows, "select code_hash from otp_messages where code_hash is not null")
	})
	if err != nil || len(rows) == 0 {
		p.Fatal(rows, err)
	}
	for _, r := range rows {
		if strings.Contains(r, code) || !strings.HasPrefix(r, "v1:") {
			p.Errorf("the database keeps %s", r)
		}
	}
}

func (p *program) signInBySMS(c *carrier) {
	p.Helper()
	s := p.half(manager)
	send := func(status int, state string) answer {
		p.Helper()
		return p.must(status, "", "POST", "/v2/auth/mfa/send_sms_otp", object{"otp_session_state": state})
	}
	if a := send(429, s.OTPSessionState); a.Header.Get("Retry-After") == "" {
		p.Error("no Retry-After")
	}
	p.clock.Move(30 * time.Second)
	if a := send(200, s.OTPSessionState); !bytes.Contains(a.Body, []byte("ends in 67")) {
		p.Errorf("%s", a.Body)
	}
	code := c.codeTo(p, mobile, 2)
	p.second(401, p.half(manager).OTPSessionState, code) // it is of another sign-in
	p.second(200, s.OTPSessionState, code)
	p.clock.Move(time.Minute)
	late := p.half(manager)
	send(200, late.OTPSessionState)
	code = c.codeTo(p, mobile, 3)
	p.clock.Move(time.Minute)
	send(200, late.OTPSessionState)
	newest := c.codeTo(p, mobile, 4)
	if newest != code {
		p.second(401, late.OTPSessionState, code) // a newer one was sent
	}
	p.clock.Move(9 * time.Minute) // the state ends with it
	p.second(422, late.OTPSessionState, newest)
	p.bothMethods()
	if strings.Contains(p.log.String(), newest) {
		p.Error("a code stands in the log")
	}
}

// bothMethods are on; one is the default, and both are accepted.
func (p *program) bothMethods() {
	p.Helper()
	seed, _ := p.installTOTP(manager)
	if f := p.factors(manager); !f.OTPSMSEnabled || !f.OTPTOTPEnabled || *f.OTPDefaultMethod != "sms" {
		p.Errorf("%+v", f)
	}
	p.must(200, manager, "PUT", "/v2/user/mfa/default_method", object{"method": "totp"})
	if s := p.half(manager); s.OTPDefaultMethod != "totp" || strings.Join(s.OTPMethods, " ") != "totp sms" {
		p.Errorf("%+v", s)
	}
	p.clock.Move(30 * time.Second)
	p.second(200, p.half(manager).OTPSessionState, p.code(seed, 0))
	p.must(200, manager, "PUT", "/v2/user/mfa/disable", object{"method": "totp", "password": password})
	if f := p.factors(manager); !f.Enabled || f.OTPTOTPEnabled || *f.OTPDefaultMethod != "sms" {
		p.Errorf("%+v", f)
	}
	p.second(401, p.half(manager).OTPSessionState, p.code(seed, 1))
}

// messageLimits: five in an hour for each account, whatever for; on both methods of asking.
func (p *program) messageLimits() {
	p.Helper()
	p.clock.Move(2 * time.Hour)
	for range 5 {
		p.must(200, "", "POST", "/v2/auth/mfa/send_sms_otp", object{"otp_session_state": p.half(manager).OTPSessionState})
		p.clock.Move(time.Minute)
	}
	if x := p.refused(429, "", "POST", "/v2/auth/mfa/send_sms_otp", object{"otp_session_state": p.half(manager).OTPSessionState}); x.Code != "too_many_messages" {
		p.Errorf("%+v", x)
	}
	p.clock.Move(time.Hour)
	seen := p.parallel(4, func(int) int {
		return p.call("", "POST", "/v2/auth/mfa/send_sms_otp", object{"otp_session_state": p.half(manager).OTPSessionState}).Status
	})
	if seen[200] != 1 || seen[429] != 3 {
		p.Errorf("at the same time: %v", seen)
	}
}

// TestNoSMS: without a provider, and with the one of developers.
func TestNoSMS(t *testing.T) {
	t.Parallel()
	p := start(t, db.SQLite)
	if x := p.refused(409, "admin", "PUT", "/v2/user/mfa/enable", object{"method": "sms", "phone_number": mobile}); x.Code != "sms_unavailable" {
		p.Errorf("%+v", x)
	}
	p = start(t, db.SQLite, "VEDETTE_SMS_PROVIDER=log")
	p.must(200, "admin", "PUT", "/v2/user/mfa/enable", object{"method": "sms", "phone_number": mobile})
	p.eventually("the message in the log", func() bool { return sixDigits.MatchString(p.log.String()) })
}
