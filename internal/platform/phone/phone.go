// Package phone reads telephone numbers as people write them (ITU-T E.164, and the national forms of each country).
package phone

import (
	"errors"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// ErrNumber is returned for what is no number of any country.
var ErrNumber = errors.New("not a telephone number")

// Number that exists in its country's plan.
type Number struct {
	E164    string // +436641234567
	Country string // ISO 3166-1 alpha-2
	Line    string // mobile, landline, landline_or_mobile, voip, toll_free, premium, shared_cost, personal, pager, uan, voicemail or unknown
}

// maxText of a number as written, so that reading it takes no time.
const maxText = 64

// maxE164 is the plus and 15 digits (ITU-T E.164 section 6.2.1).
const maxE164 = 16

var lines = map[phonenumbers.PhoneNumberType]string{
	phonenumbers.MOBILE: "mobile", phonenumbers.FIXED_LINE: "landline", phonenumbers.FIXED_LINE_OR_MOBILE: "landline_or_mobile",
	phonenumbers.VOIP: "voip", phonenumbers.TOLL_FREE: "toll_free", phonenumbers.PREMIUM_RATE: "premium", phonenumbers.SHARED_COST: "shared_cost",
	phonenumbers.PERSONAL_NUMBER: "personal", phonenumbers.PAGER: "pager", phonenumbers.UAN: "uan", phonenumbers.VOICEMAIL: "voicemail",
}

// Read a number. The country is ISO 3166-1 alpha-2 (AT) or a calling code (43, +43); it may be empty for a number that
// begins with +. ErrNumber for what is none.
func Read(text, country string) (Number, error) {
	if len(text) > maxText || len(country) > 8 {
		return Number{}, ErrNumber
	}
	n, err := phonenumbers.Parse(text, region(country))
	if err != nil || !phonenumbers.IsValidNumber(n) || n.GetExtension() != "" {
		return Number{}, ErrNumber
	}
	e164 := phonenumbers.Format(n, phonenumbers.E164)
	if len(e164) > maxE164 { // the library's plans allow one digit more in Germany
		return Number{}, ErrNumber
	}
	line, known := lines[phonenumbers.GetNumberType(n)]
	if !known {
		line = "unknown"
	}
	return Number{E164: e164, Country: phonenumbers.GetRegionCodeForNumber(n), Line: line}, nil
}

// Texts says whether text messages may reach the line, at no more than the usual price.
func (n Number) Texts() bool {
	switch n.Line {
	case "mobile", "landline_or_mobile", "voip", "personal":
		return true
	}
	return false
}

func region(country string) string {
	country = strings.TrimPrefix(strings.TrimSpace(country), "+")
	if code, err := strconv.Atoi(country); err == nil {
		return phonenumbers.GetRegionCodeForCountryCode(code)
	}
	return strings.ToUpper(country)
}
