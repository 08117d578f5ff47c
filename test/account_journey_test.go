package test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/descope/virtualwebauthn"

	"github.com/vedette/vedette/client"
)

// account is what a user does with the own one.
func (p *people) account() {
	p.Helper()
	p.profile()
	p.products()
	p.preferences()
	p.surroundings()
	p.sessions()
	p.passwords()
	p.passkeys()
	p.signOn()
}

func (p *people) profile() {
	p.Helper()
	ctx := context.Background()
	if me := ok(p.mia.User.UpdateMe(ctx, client.MeUpdate{FirstName: client.Set("Mia"), Timezone: client.Set("Europe/Vienna")}))(p); me.Username != "mia" || me.Timezone != "Europe/Vienna" {
		p.Errorf("updated: %+v", me)
	}
	me := ok(p.mia.User.ShowMe(ctx, client.ShowMeQuery{Details: true, Products: true, CurrentPlan: true}))(p)
	if me.Details.FirstName != "Mia" || len(me.Products) != 3 || me.CurrentPlan.Product != me.ActiveProduct || me.Organization.Name != "Shop" || me.SignInCount != 1 || me.LastSignInIP == "" {
		p.Errorf("shown: %+v", me)
	}
	if v := ok(p.mia.User.ValidToken(ctx))(p); !v.Valid || !v.ExpiresAt.After(p.clock.Now()) {
		p.Errorf("valid: %+v", v)
	}
	_, err := p.anyone.With(client.WithToken("vds_unknown")).User.ValidToken(ctx)
	p.wantRefused("an unknown token", err, http.StatusUnauthorized)
	held := ok(p.mia.User.ListPermissions(ctx, client.ListPermissionsQuery{}))(p).Permissions
	if !slices.Contains(held, "TARGET_CREATE") || slices.Contains(held, "USER_IMPERSONATE") {
		p.Errorf("holds %q", held)
	}
	if none := ok(p.mia.User.ListPermissions(ctx, client.ListPermissionsQuery{Permissions: "TARGET_CREATE,USER_ACCESS"}))(p); len(none.Permissions) != 0 {
		p.Errorf("%+v", none)
	}
	_, err = p.mia.User.ListPermissions(ctx, client.ListPermissionsQuery{Permissions: "TARGET_CREATE,USER_IMPERSONATE"})
	p.wantRefused("a permission that is not held", err, http.StatusUnauthorized)
}

func (p *people) products() {
	p.Helper()
	ctx := context.Background()
	all := ok(p.mia.User.ListProducts(ctx, client.Query{}))(p).Items
	if len(all) != 3 || all[0].Code != "pci" || !all[0].Active || all[0].Name == "" || all[0].Subscription.ID == "" || all[1].Code != "vrms" {
		p.Errorf("products: %+v", all)
	}
	if a := ok(p.mia.User.ChangeProduct(ctx, client.ChangeProductInput{ProductCode: "vrms"}))(p); a.ActiveProduct != "vrms" {
		p.Errorf("%+v", a)
	}
	if me := ok(p.mia.User.ShowMe(ctx, client.ShowMeQuery{}))(p); me.ActiveProduct != "vrms" {
		p.Errorf("%+v", me)
	}
	if a := ok(p.mia.User.ChangePreferredProduct(ctx, client.ChangePreferredProductInput{ProductCode: "pci"}))(p); a.ActiveProduct != "pci" {
		p.Errorf("%+v", a)
	}
}

func (p *people) preferences() {
	p.Helper()
	ctx := context.Background()
	const event = "scan_failed"
	if one := ok(p.mia.User.DisableNotifications(ctx, event, client.DisableNotificationsQuery{Channel: "email"}))(p); one.Event != event || one.Email || !one.InApp {
		p.Errorf("%+v", one)
	}
	if one := ok(p.mia.User.EnableNotifications(ctx, "scan_started", client.EnableNotificationsQuery{}))(p); !one.Email || !one.InApp || one.Description == "" {
		p.Errorf("%+v", one)
	}
	all := ok(p.mia.User.ListNotificationPreferences(ctx, client.Query{}))(p).Items
	for _, one := range all {
		if one.Event == event && (one.Email || !one.InApp) || one.Event == "scan_started" && !one.Email {
			p.Errorf("%+v", one)
		}
	}
	if len(all) != 11 {
		p.Errorf("%d events", len(all))
	}
}

func (p *people) surroundings() {
	p.Helper()
	ctx := context.Background()
	if o := ok(p.mia.User.UpdateOwnOrganization(ctx, client.OwnOrganizationUpdate{City: client.Set("Vienna"), ContactName: client.Set("Mia")}))(p); o.ID != p.shop || o.City != "Vienna" {
		p.Errorf("updated: %+v", o)
	}
	if o := ok(p.mia.User.ShowOwnOrganization(ctx))(p); o.City != "Vienna" || o.ContactName != "Mia" || o.UsersCount != 1 {
		p.Errorf("shown: %+v", o)
	}
	if all := ok(p.mia.User.ListMembers(ctx, client.Query{}))(p); len(all.Items) != 1 || all.Items[0].Username != "mia" || all.TotalCount != 1 {
		p.Errorf("members: %+v", all)
	}
	active := ok(p.mia.User.ListActivePlans(ctx, client.Query{}))(p).Items
	if len(active) == 0 || active[0].Status != "active" || active[0].Organization.ID != p.shop {
		p.Errorf("active plans: %+v", active)
	}
	if all := ok(p.mia.User.ListSubscriptionsHistory(ctx, client.Query{}))(p).Items; len(all) <= len(active) || !slices.ContainsFunc(all, func(s client.PlanSubscription) bool { return s.Status == "canceled" }) {
		p.Errorf("subscriptions: %+v", all)
	}
}

func (p *people) sessions() {
	p.Helper()
	ctx := context.Background()
	second, third := p.signIn("mia", password), p.signIn("mia", password)
	all := ok(p.mia.User.ListSessions(ctx, client.Query{SortBy: "created_at"}))(p)
	if len(all.Items) != 3 || !all.Items[0].Current || all.Items[1].Current || all.Items[1].Kind != "session" {
		p.Fatalf("sessions: %+v", all.Items)
	}
	if err := p.mia.User.EndSession(ctx, all.Items[1].ID); err != nil {
		p.Error(err)
	}
	_, err := second.User.ShowMe(ctx, client.ShowMeQuery{})
	p.wantRefused("an ended session", err, http.StatusUnauthorized)
	if e := ok(p.mia.User.EndOtherSessions(ctx))(p); e.Ended != 1 {
		p.Errorf("%+v", e)
	}
	_, err = third.User.ShowMe(ctx, client.ShowMeQuery{})
	p.wantRefused("an ended session", err, http.StatusUnauthorized)
}

func (p *people) passwords() {
	p.Helper()
	ctx := context.Background()
	other := p.signIn("mia", password)
	_, err := p.mia.User.ChangePassword(ctx, client.ChangePasswordInput{CurrentPassword: "not this one", Password: changed})
	p.wantRefused("a wrong password", err, http.StatusUnprocessableEntity)
	if m := ok(p.mia.User.ChangePassword(ctx, client.ChangePasswordInput{CurrentPassword: password, Password: changed}))(p); m.Message == "" {
		p.Error("no message")
	}
	_, err = other.User.ShowMe(ctx, client.ShowMeQuery{})
	p.wantRefused("another sign-in", err, http.StatusUnauthorized)
	ok(p.mia.User.ShowMe(ctx, client.ShowMeQuery{}))(p)

	before := len(p.mail.To(miaMail))
	known := ok(p.anyone.Authentication.ForgotPassword(ctx, client.ForgotPasswordInput{Email: miaMail}))(p)
	unknown := ok(p.anyone.Authentication.ForgotPassword(ctx, client.ForgotPasswordInput{Email: "nobody@shop.example"}))(p)
	if known.Message != unknown.Message {
		p.Errorf("%q, %q", known.Message, unknown.Message)
	}
	reset := client.ResetPasswordInput{Password: password}
	for n := before + 1; reset.ResetPasswordToken == ""; n++ { // a letter that tells of the changed password may come between
		if letter := p.mail.Wait(p, miaMail, n); letter.Subject == "Choose a new password" {
			reset.ResetPasswordToken = letter.Token(p)
		}
	}
	ok(p.anyone.Authentication.ResetPassword(ctx, reset))(p)
	_, err = p.anyone.Authentication.ResetPassword(ctx, reset)
	p.wantRefused("a link again", err, http.StatusUnprocessableEntity)
	_, err = p.mia.User.ShowMe(ctx, client.ShowMeQuery{})
	p.wantRefused("a sign-in from before the reset", err, http.StatusUnauthorized)
	p.mia = p.signIn("mia", password)
}

// passkeys: registered, asked for at the sign-in, deleted.
func (p *people) passkeys() {
	p.Helper()
	ctx := context.Background()
	party := virtualwebauthn.RelyingParty{Name: "Vedette", ID: "scan.example.com", Origin: "https://scan.example.com"}
	device, key := virtualwebauthn.NewAuthenticator(), virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)
	asked := ok(virtualwebauthn.ParseAttestationOptions(p.publicKey(p.mia.User.BeginPasskey(ctx))))(p)
	made := ok(p.mia.User.CreatePasskey(ctx, client.PasskeyCreate{Name: "ring", Credential: json.RawMessage(virtualwebauthn.CreateAttestationResponse(party, device, key, *asked))}))(p)
	if all := ok(p.mia.User.ListPasskeys(ctx, client.Query{}))(p); made.Name != "ring" || len(all.Items) != 1 || all.Items[0].ID != made.ID {
		p.Errorf("%+v, listed %+v", made, all)
	}
	half := ok(p.anyone.Authentication.SignIn(ctx, client.SignInInput{Username: "mia", Password: password}))(p)
	if half.Token != "" || !slices.Equal(half.OTPMethods, []string{"webauthn"}) {
		p.Errorf("%+v", half)
	}
	challenge := ok(virtualwebauthn.ParseAssertionOptions(p.publicKey(p.anyone.Authentication.ChallengePasskey(ctx, client.ChallengePasskeyInput{OTPSessionState: half.OTPSessionState}))))(p)
	key.Counter = 1
	in := ok(p.anyone.Authentication.SignIn(ctx, client.SignInInput{OTPSessionState: half.OTPSessionState,
		Webauthn: json.RawMessage(virtualwebauthn.CreateAssertionResponse(party, device, key, *challenge))}))(p)
	if in.Token == "" || in.User.Username != "mia" {
		p.Errorf("%+v", in)
	}
	if err := p.mia.User.DeletePasskey(ctx, made.ID, client.DeletePasskeyInput{Password: password}); err != nil {
		p.Error(err)
	}
	p.signIn("mia", password)
}

// signOn: there is no provider, and nobody is known at one.
func (p *people) signOn() {
	p.Helper()
	ctx := context.Background()
	if all := ok(p.anyone.Authentication.ListSignOnProviders(ctx))(p); len(all.Providers) != 0 {
		p.Errorf("%+v", all)
	}
	if all := ok(p.mia.User.ListIdentities(ctx, client.Query{}))(p); len(all.Items) != 0 {
		p.Errorf("%+v", all.Items)
	}
}

// publicKey are the options in the form that the authenticator reads.
func (p *people) publicKey(o *client.AuthPasskeyOptions, err error) string {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
	return `{"publicKey":` + string(must(json.Marshal(o.Options))) + `}`
}
