package whitelabel

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/vedette/vedette/internal/platform/fault"
)

// legible is the least contrast of text to what is behind it (WCAG 2.2, success criterion 1.4.3).
const legible = 4.5

var color = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// luminance of a colour written as #rrggbb (WCAG 2.2, relative luminance).
func luminance(hex string) float64 {
	n, _ := strconv.ParseUint(hex[1:], 16, 32) // its form was checked
	sum := 0.0
	for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
		c := float64(n>>(8*i)&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

// Contrast of two colours written as #rrggbb, from 1 to 21 (WCAG 2.2, contrast ratio).
func Contrast(a, b string) float64 {
	light, dark := luminance(a), luminance(b)
	if light < dark {
		light, dark = dark, light
	}
	return (light + 0.05) / (dark + 0.05)
}

const (
	white = "#ffffff"
	black = "#000000"
)

// cleanColor takes a colour on which text of the other colour can be read.
func cleanColor(hex, text, pointer string) (string, error) {
	if hex = strings.ToLower(strings.TrimSpace(hex)); hex == "" {
		return "", nil
	}
	if !color.MatchString(hex) {
		return "", fault.At(pointer, "invalid", "A colour is written as #rrggbb, such as #17365d.")
	}
	if ratio := Contrast(hex, text); ratio < legible {
		name := map[string]string{white: "white", black: "black"}[text]
		cut := fmt.Sprintf("%.2f", math.Floor(ratio*100)/100)
		return "", fault.At(pointer, "contrast", "The contrast of %s to %s is %s:1; text can be read from 4.5:1 on (WCAG 2.2, 1.4.3).", hex, name, cut)
	}
	return hex, nil
}
