package user

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/vedette/vedette/internal/platform/fault"
	"github.com/vedette/vedette/internal/platform/op"
)

// profileFields are the attributes of a profile by their names.
func profileFields(p *Profile) map[string]*string {
	return map[string]*string{"first_name": &p.FirstName, "last_name": &p.LastName, "locale": &p.Locale, "timezone": &p.Timezone, "phone": &p.Phone,
		"mobile_phone": &p.MobilePhone, "url": &p.URL, "title": &p.Title, "address": &p.Address, "city": &p.City, "state": &p.State,
		"country": &p.Country, "zipcode": &p.Zipcode, "comment": &p.Comment}
}

// ProfileInput are the attributes of a profile in an update; what is not sent stays.
type ProfileInput struct {
	FirstName   op.Field[string] `json:"first_name,omitempty" maxLength:"200"`
	LastName    op.Field[string] `json:"last_name,omitempty" maxLength:"200"`
	Locale      op.Field[string] `json:"locale,omitempty" maxLength:"20"`
	Timezone    op.Field[string] `json:"timezone,omitempty" maxLength:"60" doc:"IANA name"`
	Phone       op.Field[string] `json:"phone,omitempty" maxLength:"60"`
	MobilePhone op.Field[string] `json:"mobile_phone,omitempty" maxLength:"60"`
	URL         op.Field[string] `json:"url,omitempty" maxLength:"500"`
	Title       op.Field[string] `json:"title,omitempty" maxLength:"200"`
	Address     op.Field[string] `json:"address,omitempty" maxLength:"500"`
	City        op.Field[string] `json:"city,omitempty" maxLength:"200"`
	State       op.Field[string] `json:"state,omitempty" maxLength:"200"`
	Country     op.Field[string] `json:"country,omitempty" maxLength:"100"`
	Zipcode     op.Field[string] `json:"zipcode,omitempty" maxLength:"40"`
	Comment     op.Field[string] `json:"comment,omitempty" maxLength:"2000"`
}

// apply writes what is sent into the profile and tells what is wrong with it, below the pointer.
func (in ProfileInput) apply(p *Profile, pointer string) []fault.Detail {
	if op.NoneSent(pointer, in) != nil {
		return nil
	}
	fields := profileFields(p)
	v := reflect.ValueOf(in)
	for i := range v.NumField() {
		v.Field(i).Interface().(op.Field[string]).Set(fields[jsonName(v.Type().Field(i))])
	}
	if in.Locale.Sent && p.Locale == "" {
		p.Locale = "en"
	}
	if in.Timezone.Null {
		p.Timezone = "UTC"
	}
	return p.check(pointer)
}

// check tells what is wrong with a profile, each attribute below the pointer.
func (p *Profile) check(pointer string) []fault.Detail {
	var wrong []fault.Detail
	for name, value := range profileFields(p) {
		if !utf8.ValidString(*value) || strings.ContainsFunc(*value, unprintable(name == "comment" || name == "address")) {
			wrong = append(wrong, fault.Detail{Pointer: pointer + "/" + name, Code: "invalid", Detail: name + " holds no control characters and none that can't be seen."})
		}
		if n := utf8.RuneCountInString(*value); n > longest[name] {
			wrong = append(wrong, fault.Detail{Pointer: pointer + "/" + name, Code: "too_long",
				Detail: name + " is at most " + strconv.Itoa(longest[name]) + " characters long."})
		}
	}
	if _, err := time.LoadLocation(p.Timezone); err != nil || p.Timezone == "" || p.Timezone == "Local" {
		wrong = append(wrong, fault.Detail{Pointer: pointer + "/timezone", Code: "unknown", Detail: "timezone is an IANA name such as Europe/Berlin."})
	}
	slices.SortFunc(wrong, func(a, b fault.Detail) int { return strings.Compare(a.Pointer, b.Pointer) })
	return wrong
}

// unprintable characters turn the text around them or are not seen; the two joiners of many scripts may stay, and where lines are
// allowed so may their ends and tabs.
func unprintable(lines bool) func(rune) bool {
	const nonJoiner, joiner = '\u200c', '\u200d'
	return func(r rune) bool {
		if lines && (r == '\n' || r == '\r' || r == '\t') {
			return false
		}
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != nonJoiner && r != joiner
	}
}

// longest is how many characters each attribute of a user may have, by its name.
var longest = maxLengths(reflect.TypeFor[CreateAttributes]())

func maxLengths(t reflect.Type) map[string]int {
	all := map[string]int{}
	for i := range t.NumField() {
		if n, err := strconv.Atoi(t.Field(i).Tag.Get("maxLength")); err == nil {
			all[jsonName(t.Field(i))] = n
		}
	}
	return all
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
