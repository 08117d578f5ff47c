package user

// Methods of one-time codes.
const (
	TOTP = "totp"
	SMS  = "sms"
)

// Factors are the second factors that a user has turned on; what codes are checked with is auth's.
type Factors struct {
	OTPTOTP          bool   `bun:"otp_totp_enabled"`
	OTPSMS           bool   `bun:"otp_sms_enabled"`
	OTPPhone         string `bun:"otp_phone"`          // E.164, where text messages are on
	OTPDefaultMethod string `bun:"otp_default_method"` // empty: none is on
}

// TwoFactor tells the second factors of a user.
type TwoFactor struct {
	Enabled          bool    `json:"enabled"`
	OTPSMSEnabled    bool    `json:"otp_sms_enabled"`
	OTPTOTPEnabled   bool    `json:"otp_totp_enabled"`
	OTPPhone         *string `json:"otp_phone"`
	OTPDefaultMethod *string `json:"otp_default_method"`
}

// TwoFactor as the API shows it.
func (f Factors) TwoFactor() TwoFactor {
	out := TwoFactor{Enabled: f.OTPTOTP || f.OTPSMS, OTPSMSEnabled: f.OTPSMS, OTPTOTPEnabled: f.OTPTOTP}
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
	for _, m := range []string{TOTP, SMS} {
		if f.On(m) {
			on = append(on, m)
		}
	}
	if len(on) == 2 && on[1] == f.OTPDefaultMethod {
		on[0], on[1] = on[1], on[0]
	}
	return on
}

// On says whether a method is.
func (f Factors) On(method string) bool {
	return method == TOTP && f.OTPTOTP || method == SMS && f.OTPSMS
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
	if f.On(f.OTPDefaultMethod) {
		return
	}
	f.OTPDefaultMethod = ""
	if left := f.Methods(); len(left) > 0 {
		f.OTPDefaultMethod = left[0]
	}
}
