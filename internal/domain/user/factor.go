package user

import "slices"

// Methods of the second step.
const (
	TOTP     = "totp"
	SMS      = "sms"
	WebAuthn = "webauthn"
)

// Factors are the second factors that a user has turned on; what codes are checked with is auth's.
type Factors struct {
	OTPTOTP          bool   `bun:"otp_totp_enabled"`
	OTPSMS           bool   `bun:"otp_sms_enabled"`
	OTPPhone         string `bun:"otp_phone"`          // E.164, where text messages are on
	OTPDefaultMethod string `bun:"otp_default_method"` // empty: none is on
	Passkeys         int    `bun:"passkeys"`           // registered ones
}

// TwoFactor tells the second factors of a user.
type TwoFactor struct {
	Enabled          bool    `json:"enabled"`
	OTPSMSEnabled    bool    `json:"otp_sms_enabled"`
	OTPTOTPEnabled   bool    `json:"otp_totp_enabled"`
	OTPPhone         *string `json:"otp_phone"`
	OTPDefaultMethod *string `json:"otp_default_method"`
	WebAuthnEnabled  bool    `json:"webauthn_enabled" doc:"There is a passkey"`
}

// TwoFactor as the API shows it.
func (f Factors) TwoFactor() TwoFactor {
	out := TwoFactor{Enabled: len(f.Methods()) > 0, OTPSMSEnabled: f.OTPSMS, OTPTOTPEnabled: f.OTPTOTP, WebAuthnEnabled: f.On(WebAuthn)}
	if f.OTPPhone != "" {
		out.OTPPhone = &f.OTPPhone
	}
	if f.OTPDefaultMethod != "" {
		out.OTPDefaultMethod = &f.OTPDefaultMethod
	}
	return out
}

// Methods that are on, the default first.
func (f Factors) Methods() []string {
	var on []string
	for _, m := range []string{TOTP, SMS, WebAuthn} {
		switch {
		case !f.On(m):
		case m == f.OTPDefaultMethod:
			on = slices.Insert(on, 0, m)
		default:
			on = append(on, m)
		}
	}
	return on
}

// On says whether a method is.
func (f Factors) On(method string) bool {
	return method == TOTP && f.OTPTOTP || method == SMS && f.OTPSMS || method == WebAuthn && f.Passkeys > 0
}

// Turn a method on, with the phone where it is SMS, or off. The first that is on becomes the default.
func (f *Factors) Turn(method string, on bool, phone string) {
	switch method {
	case TOTP:
		f.OTPTOTP = on
	case SMS:
		f.OTPSMS, f.OTPPhone = on, ""
		if on {
			f.OTPPhone = phone
		}
	}
	f.settle()
}

// Hold so many passkeys.
func (f *Factors) Hold(passkeys int) {
	f.Passkeys = passkeys
	f.settle()
}

// settle what the default is.
func (f *Factors) settle() {
	if f.On(f.OTPDefaultMethod) {
		return
	}
	f.OTPDefaultMethod = ""
	if left := f.Methods(); len(left) > 0 {
		f.OTPDefaultMethod = left[0]
	}
}
