// Package fault is the vocabulary of failure. A fault says what went wrong in words fit for the person who asked;
// every other error is internal and its text never leaves the program.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind decides how a failure is answered.
type Kind string

const (
	Invalid         Kind = "invalid"         // 422: the request breaks a rule; Details name the attributes
	Unauthenticated Kind = "unauthenticated" // 401
	Forbidden       Kind = "forbidden"       // 403
	NotFound        Kind = "notfound"        // 404: not there, or not yours
	Conflict        Kind = "conflict"        // 409: the state of the resource forbids it
	Gone            Kind = "gone"            // 410
	TooLarge        Kind = "toolarge"        // 413
	Limited         Kind = "limited"         // 429
	Unavailable     Kind = "unavailable"     // 503
	Internal        Kind = "internal"        // 500
)

// Detail points at one attribute of the request (a JSON pointer such as /target/hosts, or the name of a query
// parameter) and says what is wrong there and what would be right.
type Detail struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// Fault is an error whose text is meant for users.
type Fault struct {
	Kind    Kind
	Code    string // stable and machine-readable, such as subscription_required; may be empty
	Text    string
	Details []Detail
	After   time.Duration // of kind limited or unavailable: when to try again
	cause   error
}

func (f *Fault) Error() string {
	if f.cause != nil {
		return fmt.Sprintf("%s: %s: %v", f.Kind, f.Text, f.cause)
	}
	return fmt.Sprintf("%s: %s", f.Kind, f.Text)
}

// Unwrap gives the internal cause, which is logged and never shown.
func (f *Fault) Unwrap() error { return f.cause }

// New makes a fault; format and args give the text for users.
func New(kind Kind, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// Because keeps the internal cause of a fault.
func (f *Fault) Because(err error) *Fault {
	f.cause = err
	return f
}

// Coded gives a fault its stable code.
func (f *Fault) Coded(code string) *Fault {
	f.Code = code
	return f
}

// RetryAfter says when it is worth trying again.
func (f *Fault) RetryAfter(d time.Duration) *Fault {
	f.After = d
	return f
}

// At makes an invalid fault about one attribute; pointer as in Detail.
func At(pointer, code, format string, args ...any) *Fault {
	text := fmt.Sprintf(format, args...)
	return &Fault{Kind: Invalid, Text: text, Details: []Detail{{Pointer: pointer, Code: code, Detail: text}}}
}

// All joins the details of several invalid faults into one, so that a caller learns of every mistake at once.
// It returns nil when there are none.
func All(details []Detail) error {
	if len(details) == 0 {
		return nil
	}
	text := details[0].Detail
	if len(details) > 1 {
		text = fmt.Sprintf("%d attributes are not acceptable", len(details))
	}
	return &Fault{Kind: Invalid, Text: text, Details: details}
}

// Missing is the one answer for what is not there and what is not yours.
func Missing() *Fault { return New(NotFound, "Record Not Found") }

// KindOf is Internal for any error that is not a fault.
func KindOf(err error) Kind {
	var f *Fault
	if errors.As(err, &f) {
		return f.Kind
	}
	return Internal
}

// Is says whether err is a fault of that kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// DetailsOf an invalid fault; other errors have none.
func DetailsOf(err error) []Detail {
	var f *Fault
	if errors.As(err, &f) {
		return f.Details
	}
	return nil
}
