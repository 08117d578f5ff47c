package web

import (
	"slices"
	"testing"

	"github.com/vedette/vedette/internal/scanlink"
)

// TestGather: folders that are listed are one finding, and so are copies of one library; the rest stays as it is.
func TestGather(t *testing.T) {
	t.Parallel()
	at := func(class, name, path string) scanlink.Finding {
		return scanlink.Finding{Class: class, Check: class, Name: name, Path: path}
	}
	got := gather([]scanlink.Finding{
		at("web.dirlist", "", "/a/b/"), at("web.xss", "", "/1"), at("web.dirlist", "", "/a/"), at("web.xss", "", "/2"), at("web.dirlist", "", "/c/"),
		at("web.old-jquery", "jquery 1.9.1", "/x.js"), at("web.old-jquery", "jquery 1.8.0", "/y.js"),
	})
	var all []string
	for _, f := range got {
		all = append(all, f.Class+" "+f.Path)
	}
	if want := []string{"web.dirlist /a/", "web.xss /1", "web.xss /2", "web.old-jquery /x.js", "web.old-jquery /y.js"}; !slices.Equal(all, want) {
		t.Errorf("%v, want %v", all, want)
	}
	if want := " So it is at /c/, /a/b/."; got[0].Evidence.Detail != want {
		t.Errorf("detail %q, want %q", got[0].Evidence.Detail, want)
	}
}

// TestRecognise: a library is known by its own heading, not by another's that names the version which it needs.
func TestRecognise(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/*! jQuery v3.5.1 | (c) JS Foundation */":                                                  "jquery 3.5.1",
		"/*!\n * jQuery JavaScript Library v1.4.2\n * http://jquery.com/":                           "jquery 1.4.2",
		"/*!\n * jQuery 1.2.6 - New Wave Javascript\n":                                              "jquery 1.2.6",
		"/*!\n  * Bootstrap v4.3.1 (https://getbootstrap.com/)\n*/ requires at least jQuery v1.9.1": "bootstrap 4.3.1",
		"throw new TypeError('at least jQuery v1.9.1 but less than v4.0.0')":                        "",
		"/* needs jQuery UI 1.8 */":                                                                 "",
	} {
		lib, version, _ := recognise("/all.js", text)
		got := ""
		if lib != nil {
			got = lib.name + " " + version
		}
		if got != want {
			t.Errorf("%.40q is %q, want %q", text, got, want)
		}
	}
}
