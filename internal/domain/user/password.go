package user

import (
	"strings"
	"sync"
	"unicode"

	"github.com/trustelem/zxcvbn/frequency"
	"golang.org/x/text/unicode/norm"

	"github.com/vedette/vedette/internal/platform/fault"
)

// Bounds on a password, in characters of its compatible form (NIST SP 800-63B, 3.1.1.2: composed ones count once).
const (
	shortestPassword = 8
	longestPassword  = 128
	// ownCharacters are the fewest letters and digits that must be left of a password without the word that everybody would guess in it.
	ownCharacters = 6
)

// product is a word that attackers of this very service try.
const product = "vedette"

// CheckPassword holds a new password against NIST SP 800-63B, 3.1.1.2: 8 to 128 characters, none that is among the first tried:
// passwords that were stolen elsewhere, words and names alone or with a little around them, runs and repetitions, and words of the
// context: names are the user's own, the organization's, the installation's. pointer names the attribute. Fault kind: invalid.
func CheckPassword(password, pointer string, names ...string) error {
	n := len([]rune(norm.NFKC.String(password)))
	switch {
	case n < shortestPassword:
		return fault.At(pointer, "too_short", "A password is at least %d characters long; a sentence is best.", shortestPassword)
	case n > longestPassword:
		return fault.At(pointer, "too_long", "A password is at most %d characters long.", longestPassword)
	}
	folded := Fold(password)
	if repeats(folded) || runs(folded) < 3 || known(folded) {
		return fault.At(pointer, "too_common", "This password is among the first that an attacker tries; take another, such as a sentence of your own.")
	}
	for _, form := range []string{folded, unleet(folded)} {
		if left := without(form, append(names, product)); left != form && own(left) < ownCharacters {
			return fault.At(pointer, "too_common", "A password is more than a name or address of yours, of your organization or of this service.")
		}
	}
	return nil
}

// guessed are passwords of public breaches, and words and names of English, by how often they are tried.
var guessed = sync.OnceValue(func() map[string]bool {
	all := map[string]bool{}
	for _, list := range frequency.FrequencyLists {
		for _, word := range list {
			all[word] = true
		}
	}
	return all
})

// known says whether the password is guessed, as it is or as the heart of it.
func known(folded string) bool {
	list := guessed()
	if list[folded] || list[unleet(folded)] || list[strings.ReplaceAll(folded, " ", "")] {
		return true
	}
	heart := strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	around := strings.Replace(folded, heart, "", 1)
	if len(heart) < 4 || !list[heart] && !list[unleet(heart)] {
		return false
	}
	return own(around) < ownCharacters || list[around]
}

// own counts what is left beside a word that everybody would guess: signs are what people put around it.
func own(left string) int {
	n := 0
	for _, r := range left {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

var leet = strings.NewReplacer("@", "a", "4", "a", "8", "b", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t")

// unleet turns digits and signs back into the letters that they stand for.
func unleet(s string) string { return leet.Replace(s) }

// repeats says whether the password is something short or guessed, again and again, or has hardly any different characters.
func repeats(folded string) bool {
	all := []rune(folded)
	different := map[rune]bool{}
	for _, r := range all {
		different[r] = true
	}
	if len(different) < 4 {
		return true
	}
	for period := 4; period <= len(all)/2; period++ {
		if periodic(all, period) {
			return period < ownCharacters || guessed()[string(all[:period])]
		}
	}
	return false
}

func periodic(all []rune, period int) bool {
	for i := period; i < len(all); i++ {
		if all[i] != all[i-period] {
			return false
		}
	}
	return true
}

// runs counts the stretches of characters that follow each other in order, up or down, or are the same: abcd1234 has two.
func runs(folded string) int {
	all := []rune(folded)
	count := 1
	for i := 1; i < len(all); i++ {
		step := all[i] - all[i-1]
		switch {
		case step == '0'-'9': // 7890
			step = 1
		case step == '9'-'0':
			step = -1
		}
		if step < -1 || step > 1 {
			count++
		}
	}
	return count
}

// without takes words of names out of a password; those of fewer than four characters tell too little.
func without(password string, names []string) string {
	for _, name := range names {
		folded := Fold(name)
		parts := strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, word := range append([]string{folded, strings.Join(parts, "")}, parts...) {
			if len([]rune(word)) >= 4 {
				password = strings.ReplaceAll(password, word, "")
			}
		}
	}
	return password
}
