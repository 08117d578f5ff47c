package auth

import (
	"context"
	"net/http"

	"github.com/vedette/vedette/internal/domain/user"
	"github.com/vedette/vedette/internal/platform/access"
	"github.com/vedette/vedette/internal/platform/db"
	"github.com/vedette/vedette/internal/platform/op"
)

type recoveryInput struct {
	Body struct {
		OTPSessionState string `json:"otp_session_state" maxLength:"100"`
		RecoveryCode    string `json:"recovery_code" maxLength:"40" example:"abcd-efghi-jklm"`
	}
}

type stateInput struct {
	Body struct {
		OTPSessionState string `json:"otp_session_state" maxLength:"100"`
	}
}

// SecondStep tells how a sign-in can go on.
type SecondStep struct {
	OTPMethods       []string `json:"otp_methods" doc:"totp, sms, webauthn; the default first"`
	OTPDefaultMethod string   `json:"otp_default_method"`
}

func (a *Auth) secondStepOperations() []op.Operation {
	return append(op.In("Authentication", "",
		op.Long("signInWithRecoveryCode", "Sign in with recovery code", http.MethodPost, "/v2/auth/sign_in_with_recovery_code", access.Public, a.recover).
			Says("The second step of a sign-in where the second factor is lost. Each of the ten codes works once."),
	), op.In("Authentication", "MFA",
		op.Do("checkTwoFactor", "Check 2fa", http.MethodPost, "/v2/auth/mfa/check", access.Public, check),
		op.Do("sendSMSCode", "Send SMS OTP", http.MethodPost, "/v2/auth/mfa/send_sms_otp", access.Public, a.sendForSignIn).Conflicts().
			Says("At most one message in 30 seconds and five in an hour for each account."),
	)...)
}

func (a *Auth) recover(ctx context.Context, open op.Opener, in *recoveryInput) (SignedIn, error) {
	return a.finish(ctx, open, in.Body.OTPSessionState, func(tx *db.Tx, _ *half, u *user.User) (bool, error) {
		return a.recoveryMatches(tx, u, in.Body.RecoveryCode)
	})
}

func check(tx *db.Tx, in *stateInput) (SecondStep, error) {
	_, u, err := resume(tx, in.Body.OTPSessionState)
	if err != nil {
		return SecondStep{}, err
	}
	return SecondStep{OTPMethods: u.Methods(), OTPDefaultMethod: u.OTPDefaultMethod}, nil
}

func (a *Auth) sendForSignIn(tx *db.Tx, in *stateInput) (Message, error) {
	h, u, err := resume(tx, in.Body.OTPSessionState)
	if err != nil {
		return Message{}, err
	}
	switch {
	case !u.OTPSMS:
		return Message{}, errOff
	case a.SMS == nil:
		return Message{}, errNoSMS
	}
	return Message{"A code is on its way to the number that ends in " + u.OTPPhone[max(0, len(u.OTPPhone)-2):] + "."}, ask(tx, u, h.ID, u.OTPPhone)
}
