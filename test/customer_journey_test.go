package test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vedette/vedette/client"
	"github.com/vedette/vedette/internal/platform/mail/mailtest"
	"github.com/vedette/vedette/internal/schema/dbtest"
)

// telephones are the text messages that came for each number, through an API like Twilio's.
type telephones struct {
	mu   sync.Mutex
	came map[string][]string
}

func newTelephones(t *testing.T) (*telephones, []string) {
	t.Helper()
	p := &telephones{came: map[string][]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.came[r.PostFormValue("To")] = append(p.came[r.PostFormValue("To")], r.PostFormValue("Body"))
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"status":"queued"}`)
	}))
	t.Cleanup(server.Close)
	return p, []string{"VEDETTE_SMS_PROVIDER=twilio", "VEDETTE_SMS_ACCOUNT=AC1", "VEDETTE_SMS_TOKEN=token", "VEDETTE_SMS_FROM=+12025550100", "VEDETTE_SMS_BASE_URL=" + server.URL}
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// code of message n to a number, counted from 1.
func (p *telephones) code(w *world, number string, n int) string {
	w.Helper()
	var code string
	w.until("a text message comes", 20*time.Second, func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.came[number]) >= n {
			code = sixDigits.FindString(p.came[number][n-1])
		}
		return code != ""
	})
	return code
}

const (
	mobile  = "+436641234567"
	brand   = "Ring Security"
	host    = "scan.ring.example"
	adaMail = "ada@shop.example"
	benMail = "ben@shop.example"
)

// sale is how a customer comes to be, and goes.
type sale struct {
	*world
	mail    *mailtest.Server
	phone   *telephones
	partner *client.Client
	ada     *client.Client
	shop    string // the customer's organization
	seed    string // of ada's authenticator
	codes   []string
}

// TestCustomerJourney: an operator makes a partner, the partner a plan and a customer, who signs in with a second factor, loses
// it, invites a colleague, is helped by the partner, and stops paying.
func TestCustomerJourney(t *testing.T) {
	t.Parallel()
	for _, dialect := range dbtest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			box := mailtest.Start(t, nil, "")
			phone, env := newTelephones(t)
			env = append(env, "VEDETTE_MAIL_HOST="+box.Host, fmt.Sprint("VEDETTE_MAIL_PORT=", box.Port), "VEDETTE_SCANNER_EMBEDDED=false")
			s := &sale{world: start(t, settings(t, databaseURL(t, dialect), env...)), mail: box, phone: phone}
			s.partnerSells()
			s.customerConfirms()
			s.customerTurnsOnFactors()
			s.customerSignsInInTwoSteps()
			s.colleagueAccepts()
			s.partnerHelps()
			s.whiteLabelShows()
			s.subscriptionRunsOut()
		})
	}
}

func (s *sale) partnerSells() {
	s.Helper()
	ctx := context.Background()
	ring := ok(s.operator.Organizations.Create(ctx, client.OrganizationCreate{Name: "Ring"}))(s)
	ok(s.operator.Users.Create(ctx, client.UserCreate{Username: "pat", Email: "pat@ring.example", Password: password, Role: "partner", Organization: ring.ID, Confirmed: new(true)}))(s)
	s.partner = s.signIn("pat", password)
	ok(s.partner.WhitelabelSettings.UpdateWhitelabel(ctx, ring.ID, client.WhitelabelUpdate{Name: client.Set(brand), HostNames: client.Set([]string{host}), PrimaryColor: client.Set("#0a3d62")}))(s)
	plan := ok(s.partner.Plans.Create(ctx, client.PlanCreate{Code: "ring-pci", Name: "Ring PCI", Product: "pci", Price: "49.00",
		Features: map[string]client.PlanFeature{"number_of_ips": {Limit: new(2)}}}))(s)
	end := s.clock.Now().AddDate(0, 0, 10).Format(time.DateOnly)
	ada := ok(s.partner.Users.CreateCustomer(ctx, client.CustomerCreate{Email: adaMail, FirstName: "Ada", CompanyName: "Shop", SkipDefaultSubscription: new(true),
		Plans: []client.PlanOrderInput{{Plan: plan.Code, Interval: "monthly", EndDate: end}}}))(s)
	s.shop = ada.Organization.ID
	if o := ok(s.partner.Organizations.Show(ctx, s.shop))(s); o.Name != "Shop" || o.ParentOrganization.ID != ring.ID {
		s.Errorf("the customer's organization: %+v", o)
	}
}

func (s *sale) customerConfirms() {
	s.Helper()
	ctx := context.Background()
	_, err := s.anyone.Authentication.SignIn(ctx, client.SignInInput{Username: adaMail, Password: password})
	s.wantRefused("before the confirmation", err, http.StatusUnauthorized)
	letter := s.mail.Wait(s, adaMail, 1)
	if !strings.Contains(letter.Text, brand) {
		s.Errorf("the mail is not in the partner's name:\n%s", letter.Text)
	}
	form := ok(s.anyone.Authentication.ShowConfirmation(ctx, client.ShowConfirmationQuery{ConfirmationToken: letter.Token(s)}))(s)
	if form.Email != adaMail || !form.PasswordRequired {
		s.Errorf("%+v", form)
	}
	ok(s.anyone.Authentication.ConfirmUser(ctx, client.ConfirmUserInput{ConfirmationToken: letter.Token(s), Password: password}))(s)
	s.ada = s.signIn(adaMail, password)
	if me := ok(s.ada.User.ShowMe(ctx, client.ShowMeQuery{}))(s); me.Role != "manager" || me.Organization.ID != s.shop {
		s.Errorf("%+v", me)
	}
	s.makeTarget(s.ada, "192.0.2.1")
	_, err = s.ada.Targets.Create(ctx, s.newTarget("192.0.2.8/29"))
	s.wantRefused("more addresses than the plan has", err, http.StatusUnprocessableEntity)
}

func (s *sale) newTarget(hosts ...string) client.TargetCreate {
	return client.TargetCreate{Name: "at " + hosts[0], Hosts: hosts, ScopeAttestation: &client.TargetCreateScopeAttestation{Accepted: new(true), Name: "Ada", Title: "CTO"}}
}

func (s *sale) makeTarget(by *client.Client, hosts ...string) *client.Target {
	s.Helper()
	return ok(by.Targets.Create(context.Background(), s.newTarget(hosts...)))(s)
}

func (s *sale) totp() string {
	s.Helper()
	return ok(totp.GenerateCode(s.seed, s.clock.Now()))(s)
}

func (s *sale) customerTurnsOnFactors() {
	s.Helper()
	ctx := context.Background()
	prepared := ok(s.ada.User.EnableTwoFactor(ctx, client.EnableTwoFactorInput{Method: "totp"}))(s)
	s.seed = prepared.Secret
	s.codes = ok(s.ada.User.VerifyTwoFactor(ctx, client.VerifyTwoFactorInput{Method: "totp", OTPAttempt: s.totp()}))(s).RecoveryCodes
	if n := ok(s.ada.User.LookUpPhoneNumber(ctx, client.LookUpPhoneNumberQuery{PhoneNumber: "0664 1234567", CountryCode: "AT"}))(s); n.E164 != mobile {
		s.Errorf("%+v", n)
	}
	ok(s.ada.User.EnableTwoFactor(ctx, client.EnableTwoFactorInput{Method: "sms", PhoneNumber: "0664 1234567", CountryCode: "AT"}))(s)
	installed := ok(s.ada.User.VerifyTwoFactor(ctx, client.VerifyTwoFactorInput{Method: "sms", OTPAttempt: s.phone.code(s.world, mobile, 1)}))(s)
	if f := installed.TwoFactorAuthentication; !f.OTPTOTPEnabled || !f.OTPSMSEnabled || f.OTPDefaultMethod != "totp" || f.OTPPhone != mobile {
		s.Errorf("%+v", f)
	}
	if len(s.codes) != 10 || len(installed.RecoveryCodes) != 10 {
		s.Errorf("%d and %d recovery codes", len(s.codes), len(installed.RecoveryCodes))
	}
	s.codes = installed.RecoveryCodes
}

// half signs in with the password.
func (s *sale) half() string {
	s.Helper()
	in := ok(s.anyone.Authentication.SignIn(context.Background(), client.SignInInput{Username: adaMail, Password: password}))(s)
	if in.Token != "" || in.OTPSessionState == "" {
		s.Fatalf("no second step: %+v", in)
	}
	return in.OTPSessionState
}

func (s *sale) customerSignsInInTwoSteps() {
	s.Helper()
	ctx := context.Background()
	auth := s.anyone.Authentication
	s.clock.Move(time.Minute)
	in := ok(auth.SignIn(ctx, client.SignInInput{OTPSessionState: s.half(), OTPAttempt: s.totp()}))(s)
	s.ada = s.anyone.With(client.WithToken(in.Token))
	s.clock.Move(time.Minute)
	state := s.half()
	ok(auth.SendSMSCode(ctx, client.SendSMSCodeInput{OTPSessionState: state}))(s)
	ok(auth.SignIn(ctx, client.SignInInput{OTPSessionState: state, OTPAttempt: s.phone.code(s.world, mobile, 2)}))(s)

	lost := ok(auth.SignInWithRecoveryCode(ctx, client.SignInWithRecoveryCodeInput{OTPSessionState: s.half(), RecoveryCode: s.codes[0]}))(s)
	_, err := auth.SignInWithRecoveryCode(ctx, client.SignInWithRecoveryCodeInput{OTPSessionState: s.half(), RecoveryCode: s.codes[0]})
	s.wantRefused("a recovery code again", err, http.StatusUnauthorized)
	s.ada = s.anyone.With(client.WithToken(lost.Token))
	if left := ok(s.ada.User.ShowRecoveryCodes(ctx))(s); left.Remaining != 9 || !slices.Equal(left.RecoveryCodes, s.codes[1:]) {
		s.Errorf("%+v", left)
	}
	s.customerGivesUpPhone()
}

// customerGivesUpPhone that she lost: the authenticator alone is left, and new recovery codes.
func (s *sale) customerGivesUpPhone() {
	s.Helper()
	ctx := context.Background()
	if f := ok(s.ada.User.ChooseDefaultMethod(ctx, client.ChooseDefaultMethodInput{Method: "sms"}))(s).TwoFactorAuthentication; f.OTPDefaultMethod != "sms" {
		s.Errorf("%+v", f)
	}
	if step := ok(s.anyone.Authentication.CheckTwoFactor(ctx, client.CheckTwoFactorInput{OTPSessionState: s.half()}))(s); step.OTPDefaultMethod != "sms" || !slices.Equal(step.OTPMethods, []string{"sms", "totp"}) {
		s.Errorf("%+v", step)
	}
	f := ok(s.ada.User.DisableTwoFactor(ctx, client.DisableTwoFactorInput{Method: "sms", Password: password}))(s).TwoFactorAuthentication
	if !f.Enabled || f.OTPSMSEnabled || !f.OTPTOTPEnabled || f.OTPDefaultMethod != "totp" || f.OTPPhone != "" {
		s.Errorf("%+v", f)
	}
	fresh := ok(s.ada.User.GenerateRecoveryCodes(ctx, client.GenerateRecoveryCodesInput{Password: password}))(s).RecoveryCodes
	if len(fresh) != 10 || slices.Contains(fresh, s.codes[1]) {
		s.Errorf("%d recovery codes", len(fresh))
	}
	_, err := s.anyone.Authentication.SignInWithRecoveryCode(ctx, client.SignInWithRecoveryCodeInput{OTPSessionState: s.half(), RecoveryCode: s.codes[1]})
	s.wantRefused("a recovery code that was replaced", err, http.StatusUnauthorized)
}

func (s *sale) colleagueAccepts() {
	s.Helper()
	ctx := context.Background()
	ok(s.ada.Users.Invite(ctx, client.InviteUserInput{Email: benMail, FirstName: "Ben", Role: "auditor"}))(s)
	token := s.mail.Wait(s, benMail, 1).Token(s)
	if i := ok(s.anyone.Authentication.CheckInvitation(ctx, client.CheckInvitationQuery{InvitationToken: token}))(s); i.Email != benMail || i.Organization.Name != "Shop" {
		s.Errorf("%+v", i)
	}
	ok(s.anyone.Authentication.AcceptInvitation(ctx, client.AcceptInvitationInput{InvitationToken: token, Password: password}))(s)
	ben := s.signIn(benMail, password)
	if all := ok(ben.Targets.List(ctx, client.Query{}))(s); len(all.Items) != 1 {
		s.Errorf("the colleague sees %d targets", len(all.Items))
	}
	_, err := ben.Targets.Create(ctx, s.newTarget("192.0.2.2"))
	s.wantRefused("an auditor makes a target", err, http.StatusForbidden)
}

func (s *sale) partnerHelps() {
	s.Helper()
	ctx := context.Background()
	me := ok(s.ada.User.ShowMe(ctx, client.ShowMeQuery{}))(s)
	in := ok(s.partner.Authentication.StartImpersonation(ctx, client.StartImpersonationInput{User: me.ID, Reason: "she asked for help"}))(s)
	acting := s.anyone.With(client.WithToken(in.Token))
	s.makeTarget(acting, "192.0.2.2")
	_, err := acting.User.ChangePassword(ctx, client.ChangePasswordInput{CurrentPassword: password, Password: "a sentence of the partner's own"})
	s.wantRefused("the partner changes the customer's password", err, http.StatusForbidden)
	ok(acting.Authentication.StopImpersonation(ctx))(s)
	events := ok(s.ada.Audit.ListEvents(ctx, client.Query{Filter: map[string]string{"action": "createTarget"}}))(s)
	if len(events.Items) != 2 || events.Items[0].Actor.Username != adaMail || events.Items[0].Impersonator.Username != "pat" || events.Items[1].Impersonator.Username != "" {
		s.Errorf("the audit trail: %+v", events.Items)
	}
	for who, c := range map[string]*client.Client{"customer": s.ada, "partner": s.partner} {
		told := ok(c.Audit.ListEvents(ctx, client.Query{Filter: map[string]string{"action": "startImpersonation"}}))(s)
		if len(told.Items) != 1 {
			s.Errorf("the %s reads %d starts of impersonation", who, len(told.Items))
		}
	}
	link := ok(s.partner.Authentication.CreateSignOnLink(ctx, me.ID))(s)
	half := ok(s.anyone.Authentication.SignInByLink(ctx, client.SignInByLinkInput{SingleSignOnToken: link.SingleSignOnToken}))(s)
	if half.Token != "" || half.OTPSessionState == "" || !strings.Contains(link.Link, "/single_sign_on?single_sign_on_token="+link.SingleSignOnToken) {
		s.Errorf("a link of the partner's portal: %+v, %+v", link, half)
	}
}

// whiteLabelShows by the host name that a browser is at.
func (s *sale) whiteLabelShows() {
	s.Helper()
	ctx := context.Background()
	address := strings.TrimPrefix(s.url, "http://")
	to := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	s.Cleanup(to.CloseIdleConnections)
	for name, want := range map[string]string{host: brand, "SCAN.ring.example:8443": brand, "scan.other.example": "Vedette"} {
		there := ok(client.New("http://"+name, client.WithHTTPClient(&http.Client{Transport: s.noting(to)})))(s)
		if w := ok(there.WhitelabelSettings.ShowWhitelabelOfHost(ctx, client.ShowWhitelabelOfHostQuery{}))(s); w.Name != want {
			s.Errorf("%s shows %q, want %q", name, w.Name, want)
		}
	}
}

func (s *sale) subscriptionRunsOut() {
	s.Helper()
	ctx := context.Background()
	s.clock.Move(11 * 24 * time.Hour)
	in := ok(s.anyone.Authentication.SignIn(ctx, client.SignInInput{OTPSessionState: s.half(), OTPAttempt: s.totp()}))(s)
	s.ada = s.anyone.With(client.WithToken(in.Token))
	all := ok(s.ada.Targets.List(ctx, client.Query{}))(s)
	if len(all.Items) != 2 {
		s.Errorf("%d targets can be read", len(all.Items))
	}
	_, err := s.ada.Targets.Update(ctx, all.Items[0].ID, client.TargetUpdate{Name: client.Set("renamed")})
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != http.StatusForbidden || p.Code != "subscription_required" || !strings.Contains(p.Detail, "pci") {
		s.Errorf("a change without a subscription: %v", err)
	}
	if me := ok(s.ada.User.ListActivePlans(ctx, client.Query{}))(s).Items; len(me) != 0 {
		s.Errorf("active plans: %+v", me)
	}
}
