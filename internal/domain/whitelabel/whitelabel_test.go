package whitelabel

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/vedette/vedette/internal/platform/fault"
)

func TestContrast(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want string
	}{{white, black, "21.00"}, {white, white, "1.00"}, {"#767676", white, "4.54"}, {"#ffff00", white, "1.07"}} {
		if got := fmt.Sprintf("%.2f", Contrast(c.a, c.b)); got != c.want {
			t.Errorf("%s on %s: %s, want %s", c.a, c.b, got, c.want)
		}
	}
	if _, err := cleanColor("#ffff00", white, "/whitelabel/primary_color"); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "1.07:1") {
		t.Errorf("%v", err)
	}
	if got, err := cleanColor(" #17365D ", white, "x"); err != nil || got != "#17365d" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"Scan.Example.com": "scan.example.com", "scan.example.com:8443": "scan.example.com", "scan.example.com.": "scan.example.com",
		"bücher.example": "xn--bcher-kva.example", "localhost": "", "192.0.2.1": "", "[::1]:80": "", "https://x.example": "", "x.example/y": "", "": "", "a..example": "", "*.example.com": ""} {
		if got, _ := CleanHost(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func picturePNG(side int) []byte {
	var out bytes.Buffer
	_ = png.Encode(&out, image.NewGray(image.Rect(0, 0, side, side)))
	return out.Bytes()
}

func icon(inner []byte) []byte {
	ico := append([]byte{0, 0, 1, 0, 1, 0}, make([]byte, 16)...)
	binary.LittleEndian.PutUint32(ico[14:], uint32(len(inner)))
	binary.LittleEndian.PutUint32(ico[18:], 22)
	return append(ico, inner...)
}

func uri(kind string, content []byte) string {
	return "data:image/" + kind + ";base64," + base64.StdEncoding.EncodeToString(content)
}

func TestImages(t *testing.T) {
	t.Parallel()
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 9, 9)), nil); err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]string{"png": uri("png", picturePNG(16)), "jpeg": uri("jpeg", photo.Bytes()), "ico": uri("x-icon", icon(picturePNG(32)))} {
		content, err := readImage(in, "x", faviconBounds)
		if _, decodes := png.Decode(bytes.NewReader(content)); err != nil || decodes != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, in := range map[string]string{"a script": uri("svg+xml", []byte("<svg onload='x'/>")), "no data": "https://x.example/a.png", "no base64": "data:image/png;base64,%%%",
		"cut": uri("png", picturePNG(16)[:50]), "too wide": uri("png", picturePNG(600)), "too long": uri("png", make([]byte, 200<<10)), "empty": "data:image/png;base64,"} {
		if _, err := readImage(in, "/whitelabel/favicon", faviconBounds); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzImage(f *testing.F) {
	f.Add(picturePNG(4))
	f.Add(icon(picturePNG(4)))
	f.Add([]byte{0, 0, 1, 0, 64, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if out, err := recode(raw, "x", faviconBounds); err == nil {
			if _, err := png.Decode(bytes.NewReader(out)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
