package auth

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
	"github.com/vedette/vedette/internal/platform/phone"
)

// enableInput can be sent as query or as body, like that of each PUT of this file but for what is secret.
type enableInput struct {
	Method      string `query:"method" doc:"totp or sms"`
	PhoneNumber string `query:"phone_number" doc:"For sms"`
	CountryCode string `query:"country_code" doc:"ISO 3166-1 alpha-2 or a calling code; not needed for a number that begins with +"`
	Body        *struct {
		Method      string `json:"method,omitempty" enum:"totp,sms"`
		PhoneNumber string `json:"phone_number,omitempty" maxLength:"64"`
		CountryCode string `json:"country_code,omitempty" maxLength:"8"`
	}
}

type methodInput struct {
	Method string `query:"method" doc:"totp, sms or webauthn"`
	Body   *struct {
		Method string `json:"method,omitempty" enum:"totp,sms,webauthn"`
	}
}

type verifyInput struct {
	Method     string `query:"method" doc:"totp or sms"`
	OTPAttempt string `query:"otp_attempt" doc:"The code; better sent in the body"`
	Body       *struct {
		Method     string `json:"method,omitempty" enum:"totp,sms"`
		OTPAttempt string `json:"otp_attempt,omitempty" maxLength:"20" example:"123456"`
	}
}

type disableInput struct {
	Method string `query:"method" doc:"totp or sms"`
	Body   struct {
		Method   string `json:"method,omitempty" enum:"totp,sms"`
		Password string `json:"password" maxLength:"512"`
	}
}

type passwordInput struct {
	Body struct {
		Password string `json:"password" maxLength:"512"`
	}
}

type lookupInput struct {
	PhoneNumber string `query:"phone_number" doc:"As people write it"`
	CountryCode string `query:"country_code" doc:"ISO 3166-1 alpha-2 or a calling code; not needed for a number that begins with +"`
}

// Preparation of a method.
type Preparation struct {
	Method      string `json:"method"`
	Secret      string `json:"secret,omitempty" doc:"Of totp: the seed in base32, for typing in"`
	URL         string `json:"otpauth_url,omitempty" doc:"Of totp: what the QR code says"`
	QR          []byte `json:"qr_png,omitempty" doc:"Of totp: the QR code as a PNG image in base64"`
	PhoneNumber string `json:"phone_number,omitempty" doc:"Of sms: the number in E.164 form"`
	Message     string `json:"message,omitempty"`
}

// Installed is the answer of verify_installation.
type Installed struct {
	TwoFactorAuthentication user.TwoFactor `json:"two_factor_authentication"`
	RecoveryCodes           []string       `json:"recovery_codes" doc:"Ten new ones; former ones work no more"`
}

// FactorsChanged is the answer of disable and default_method.
type FactorsChanged struct {
	TwoFactorAuthentication user.TwoFactor `json:"two_factor_authentication"`
}

// PhoneNumber that was looked up.
type PhoneNumber struct {
	Valid       bool    `json:"valid"`
	E164        *string `json:"e164" example:"+436641234567"`
	CountryCode *string `json:"country_code" example:"AT"`
	LineType    *string `json:"line_type" example:"mobile"`
}

// NewRecoveryCodes replace the former ones.
type NewRecoveryCodes struct {
	RecoveryCodes []string `json:"recovery_codes"`
}

// RecoveryCodes that still work.
type RecoveryCodes struct {
	Remaining     int      `json:"remaining"`
	RecoveryCodes []string `json:"recovery_codes" doc:"null unless this sign-in gave the password within the last ten minutes"`
}

// shownAfterPassword is how long recovery codes may be seen after a password check.
const shownAfterPassword = 10 * time.Minute

func (a *Auth) factorOperations() []op.Operation {
	all := op.In("User", "User 2FA",
		op.Long("enableTwoFactor", "Enable 2FA", http.MethodPut, "/v2/user/mfa/enable", access.Own, a.enable).Conflicts().Enrolls().
			Says("Prepares a method only: verify_installation with a code turns it on, within 15 minutes. sms sends the code to the number."),
		op.Long("verifyTwoFactor", "Verify 2FA installation", http.MethodPut, "/v2/user/mfa/verify_installation", access.Own, a.verifyInstallation).Conflicts().Enrolls().
			Says("Turns the prepared method on. The first that is on becomes the default."),
		op.Long("disableTwoFactor", "Disable 2FA", http.MethodPut, "/v2/user/mfa/disable", access.Own, a.disable).Conflicts().
			Says("Without any method left, the recovery codes are gone, too."),
		op.Get("lookUpPhoneNumber", "Lookup phone number", "/v2/user/mfa/lookup_phone_number", access.Own, lookUp).Enrolls(),
		op.Do("chooseDefaultMethod", "Default 2FA method", http.MethodPut, "/v2/user/mfa/default_method", access.Own, chooseDefault).Conflicts(),
		op.Long("generateRecoveryCodes", "Generate Recovery Codes", http.MethodPut, "/v2/user/mfa/recovery_codes", access.Own, a.generateRecoveryCodes).Conflicts().
			Says("Ten new ones; former ones work no more."),
		op.Get("showRecoveryCodes", "Get Recovery Codes", "/v2/user/mfa/recovery_codes", access.Own, a.recoveryCodes),
	)
	for i := range all {
		all[i] = all[i].NotImpersonated()
	}
	return all
}

func knownMethod(method string) error {
	if !slices.Contains([]string{user.TOTP, user.SMS}, method) {
		return fault.At("method", "unknown", "method is totp or sms.")
	}
	return nil
}

func (a *Auth) enable(ctx context.Context, open op.Opener, in *enableInput) (Preparation, error) {
	method, number, country := in.Method, in.PhoneNumber, in.CountryCode
	if b := in.Body; b != nil {
		method, number, country = cmp.Or(b.Method, method), cmp.Or(b.PhoneNumber, number), cmp.Or(b.CountryCode, country)
	}
	if err := knownMethod(method); err != nil {
		return Preparation{}, err
	}
	if method == user.TOTP {
		return a.enableTOTP(ctx, open)
	}
	return a.enableSMS(ctx, open, number, country)
}

func (a *Auth) enableTOTP(ctx context.Context, open op.Opener) (Preparation, error) {
	s, err := newSeed(a.Issuer, open.Grant().Principal().Username)
	if err != nil {
		return Preparation{}, err
	}
	err = open.Write(ctx, func(tx *db.Tx) error {
		m := &otpMethod{Method: user.TOTP, UserID: tx.Grant().Principal().User}
		m.Seed = a.Sealer.Seal(s.Secret.Reveal(), m.place())
		_, err := prepareFor(tx, m)
		return err
	})
	return Preparation{Method: user.TOTP, Secret: s.Secret.Reveal(), URL: s.URL, QR: s.QR}, err
}

func (a *Auth) enableSMS(ctx context.Context, open op.Opener, number, country string) (Preparation, error) {
	if a.SMS == nil {
		return Preparation{}, errNoSMS
	}
	n, err := phone.Read(number, country)
	if err != nil {
		return Preparation{}, fault.At("phone_number", "invalid", "phone_number is no number that there is; write it with country_code, or as +436641234567.")
	}
	if !n.Texts() {
		return Preparation{}, fault.At("phone_number", "no_messages", "Text messages don't reach this number; give one of a mobile telephone.")
	}
	err = open.Write(ctx, func(tx *db.Tx) error {
		m := &otpMethod{Method: user.SMS, Phone: n.E164}
		u, err := prepareFor(tx, m)
		if err != nil {
			return err
		}
		return ask(tx, u, m.ID, n.E164)
	})
	return Preparation{Method: user.SMS, PhoneNumber: n.E164, Message: "A code is on its way; send it to verify_installation."}, err
}

// prepareFor the caller.
func prepareFor(tx *db.Tx, m *otpMethod) (*user.User, error) {
	u, err := lockedCaller(tx)
	if err != nil {
		return nil, err
	}
	if u.On(m.Method) {
		return nil, errOn
	}
	return u, prepare(tx, u, m)
}

// lockedCaller is the caller, whose second factors nobody else changes until the commit.
func lockedCaller(tx *db.Tx) (*user.User, error) {
	if err := lockFactors(tx, tx.Grant().Principal().User); err != nil {
		return nil, err
	}
	return user.Caller(tx)
}

func (a *Auth) verifyInstallation(ctx context.Context, open op.Opener, in *verifyInput) (Installed, error) {
	method, attempt := in.Method, in.OTPAttempt
	if b := in.Body; b != nil {
		method, attempt = cmp.Or(b.Method, method), cmp.Or(b.OTPAttempt, attempt)
	}
	if err := knownMethod(method); err != nil {
		return Installed{}, err
	}
	err := open.Read(ctx, func(tx *db.Tx) error {
		u, err := user.Caller(tx)
		if err != nil {
			return err
		}
		_, err = prepared(tx, u, method)
		return err
	})
	if err != nil {
		return Installed{}, err
	}
	var out Installed
	err = a.guarded(ctx, []subject{factorOf(open.Grant().Principal().User), addressOf(op.RequestOf(ctx).IP)}, func() error {
		return open.Write(ctx, func(tx *db.Tx) error {
			var err error
			out, err = a.install(tx, method, cleanCode(attempt))
			return err
		})
	})
	return out, err
}

// install turns on what was prepared.
func (a *Auth) install(tx *db.Tx, method, attempt string) (Installed, error) {
	u, err := lockedCaller(tx)
	if err != nil {
		return Installed{}, err
	}
	m, err := prepared(tx, u, method)
	if err != nil {
		return Installed{}, err
	}
	ok, err := a.matches(tx, m, m.ID, attempt)
	if err != nil {
		return Installed{}, err
	}
	if !ok {
		return Installed{}, fault.At("/otp_attempt", "wrong", "The code is wrong or has expired.")
	}
	if err := turn(tx, u, method, true, m.Phone); err != nil {
		return Installed{}, err
	}
	codes, err := a.renewRecoveryCodes(tx, u)
	return Installed{u.TwoFactor(), codes}, err
}

// turn a method on or off, and tell it to the audit trail.
func turn(tx *db.Tx, u *user.User, method string, on bool, number string) error {
	before := u.TwoFactor()
	u.Turn(method, on, number)
	return factorsChanged(tx, u, before)
}

func factorsChanged(tx *db.Tx, u *user.User, before user.TwoFactor) error {
	tx.Changed(db.Change{Type: "user", ID: u.ID, Name: u.Username, Before: FactorsChanged{before}, After: FactorsChanged{u.TwoFactor()}})
	return user.SetFactors(tx, u)
}

func (a *Auth) disable(ctx context.Context, open op.Opener, in *disableInput) (FactorsChanged, error) {
	method := cmp.Or(in.Body.Method, in.Method)
	if err := knownMethod(method); err != nil {
		return FactorsChanged{}, err
	}
	if err := a.checkOwnPassword(ctx, open, in.Body.Password); err != nil {
		return FactorsChanged{}, err
	}
	var out FactorsChanged
	err := open.Write(ctx, func(tx *db.Tx) error {
		u, err := lockedCaller(tx)
		if err != nil {
			return err
		}
		if !u.On(method) {
			return errOff
		}
		if err := turn(tx, u, method, false, ""); err != nil {
			return err
		}
		if err := a.mayDoWithout(tx, u); err != nil {
			return err
		}
		if err := deleteMethod(tx, u, method); err != nil {
			return err
		}
		out = FactorsChanged{u.TwoFactor()}
		return dropUnneeded(tx, u)
	})
	return out, err
}

// mayDoWithout refuses to leave a user without any second factor where one is required.
func (a *Auth) mayDoWithout(tx *db.Tx, u *user.User) error {
	if u.TwoFactor().Enabled || !a.RequireTwoFactor && !tx.Grant().Principal().Home.TwoFactorRequired {
		return nil
	}
	return fault.New(fault.Conflict, "A second factor is required here; turn another one on first.").Coded("two_factor_required")
}

// dropUnneeded drops what stands in for a second factor where none is left.
func dropUnneeded(tx *db.Tx, u *user.User) error {
	if u.TwoFactor().Enabled {
		return nil
	}
	if err := deleteHalves(tx, u); err != nil {
		return err
	}
	return deleteRecoveryCodes(tx, u)
}

// checkOwnPassword holds the caller's password against the one sent. Fault kinds: invalid (/password), limited.
func (a *Auth) checkOwnPassword(ctx context.Context, open op.Opener, password string) error {
	var u *user.User
	err := open.Read(ctx, func(tx *db.Tx) error {
		var err error
		u, err = user.Caller(tx)
		return err
	})
	if err != nil {
		return err
	}
	if err := a.CheckPassword(ctx, u, password, "/password"); err != nil {
		return err
	}
	return open.Write(ctx, func(tx *db.Tx) error { return passwordChecked(tx, tx.Grant().Principal().Token) })
}

func lookUp(_ *db.Tx, in *lookupInput) (PhoneNumber, error) {
	if in.PhoneNumber == "" {
		return PhoneNumber{}, fault.At("phone_number", "required", "phone_number is the number to look up.")
	}
	n, err := phone.Read(in.PhoneNumber, in.CountryCode)
	if err != nil {
		return PhoneNumber{}, nil //nolint:nilerr // the answer says that it is none
	}
	return PhoneNumber{Valid: true, E164: &n.E164, CountryCode: &n.Country, LineType: &n.Line}, nil
}

func chooseDefault(tx *db.Tx, in *methodInput) (FactorsChanged, error) {
	method := in.Method
	if in.Body != nil {
		method = cmp.Or(in.Body.Method, method)
	}
	if err := knownMethod(method); err != nil && method != user.WebAuthn {
		return FactorsChanged{}, err
	}
	u, err := lockedCaller(tx)
	if err != nil {
		return FactorsChanged{}, err
	}
	if !u.On(method) {
		return FactorsChanged{}, errOff
	}
	before := u.TwoFactor()
	u.OTPDefaultMethod = method
	return FactorsChanged{u.TwoFactor()}, factorsChanged(tx, u, before)
}

func (a *Auth) generateRecoveryCodes(ctx context.Context, open op.Opener, in *passwordInput) (NewRecoveryCodes, error) {
	if err := a.checkOwnPassword(ctx, open, in.Body.Password); err != nil {
		return NewRecoveryCodes{}, err
	}
	var out NewRecoveryCodes
	err := open.Write(ctx, func(tx *db.Tx) error {
		u, err := lockedCaller(tx)
		if err != nil {
			return err
		}
		if !u.TwoFactor().Enabled {
			return fault.New(fault.Conflict, "Recovery codes stand in for a second factor, and none is on.").Coded("two_factor_off")
		}
		tx.Changed(db.Change{Type: "user", ID: u.ID, Name: u.Username})
		out.RecoveryCodes, err = a.renewRecoveryCodes(tx, u)
		return err
	})
	return out, err
}

func (a *Auth) recoveryCodes(tx *db.Tx, _ *op.Empty) (RecoveryCodes, error) {
	u, err := user.Caller(tx)
	if err != nil {
		return RecoveryCodes{}, err
	}
	rows, err := unusedRecoveryCodes(tx, u)
	if err != nil {
		return RecoveryCodes{}, err
	}
	t, err := tokenByID(tx, tx.Grant().Principal().Token)
	if err != nil {
		return RecoveryCodes{}, err
	}
	out := RecoveryCodes{Remaining: len(rows)}
	if t.PasswordCheckedAt != nil && *t.PasswordCheckedAt > tx.Now().Add(-shownAfterPassword) {
		out.RecoveryCodes, err = a.showRecoveryCodes(rows)
	}
	return out, err
}
