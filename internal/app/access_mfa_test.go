package app

import "maps"

func init() {
	maps.Copy(fixtures, map[string]fixture{
		"signInWithRecoveryCode": plain("/v2/auth/sign_in_with_recovery_code").with(object{"otp_session_state": "vdo_unknown", "recovery_code": "abcd-efghi-jklm"}),
		"checkTwoFactor":         plain("/v2/auth/mfa/check").with(object{"otp_session_state": "vdo_unknown"}),
		"sendSMSCode":            plain("/v2/auth/mfa/send_sms_otp").with(object{"otp_session_state": "vdo_unknown"}),
		"enableTwoFactor":        plain("/v2/user/mfa/enable").with(object{"method": "totp"}),
		"verifyTwoFactor":        plain("/v2/user/mfa/verify_installation").with(object{"method": "sms", "otp_attempt": "123456"}),
		"disableTwoFactor":       plain("/v2/user/mfa/disable").with(object{"method": "totp", "password": password}),
		"lookUpPhoneNumber":      {path: at("/v2/user/mfa/lookup_phone_number"), noID: true, query: "?phone_number=%2B436641234567"},
		"chooseDefaultMethod":    plain("/v2/user/mfa/default_method").with(object{"method": "totp"}),
		"generateRecoveryCodes":  plain("/v2/user/mfa/recovery_codes").with(object{"password": password}),
		"listPasskeys":           plain("/v2/user/mfa/webauthn"),
		"beginPasskey":           plain("/v2/user/mfa/webauthn/begin"),
		"createPasskey":          plain("/v2/user/mfa/webauthn").with(object{"passkey": object{"name": "ring", "credential": object{}}}),
		"deletePasskey":          about("/v2/user/mfa/webauthn/%s", "user").with(object{"password": password}),
		"challengePasskey":       plain("/v2/auth/mfa/webauthn").with(object{"otp_session_state": "vdo_unknown"}),
		"showRecoveryCodes":      plain("/v2/user/mfa/recovery_codes"),
	})
}
