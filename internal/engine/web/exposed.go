package web

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/vedette/vedette/internal/engine/web/httpwire"
)

// usualFolders are names that sites use and often forget; they are asked for besides what the crawler found.
var usualFolders = []string{
	"admin", "archive", "assets", "backup", "backups", "bak", "bin", "cache", "config", "css", "data", "db", "dev", "doc", "docs", "download",
	"downloads", "export", "files", "icons", "images", "img", "inc", "include", "includes", "install", "javascript", "js", "lib", "log", "logs", "media",
	"old", "pdf", "private", "pub", "public", "scripts", "share", "sql", "src", "static", "temp", "test", "tmp", "tools", "upload", "uploads",
	"vendor", "wp-content/uploads", "wp-includes",
	"api", "app", "awstats", "cgit", "console", "dav", "git", "gitweb", "intranet", "manager", "munin", "portal", "reports", "secret", "secure", "shop", "staff",
	"stats", "svn", "webalizer", "webdav",
}

// listing recognises pages that list a folder, by what the servers that make them write.
var listing = []*regexp.Regexp{
	regexp.MustCompile(`(?i)<title>\s*Index of /`), // Apache, nginx, lighttpd, webfs, thttpd
	regexp.MustCompile(`(?i)<h[12]>\s*Index of /`),
	regexp.MustCompile(`(?i)<title>\s*Directory listing for /`), // Python
	regexp.MustCompile(`(?i)<title>\s*(Directory|Folder) (listing|index)(:| of| for| -)`),
	regexp.MustCompile(`(?i)<title>\s*listing: /`), // webfs
	regexp.MustCompile(`(?i)<h1>\s*listing: `),
	regexp.MustCompile(`(?i)<title>\s*Directory: /|<h1>\s*Directory: /`),       // Jetty
	regexp.MustCompile(`(?i)<title>\s*Directory Listing For \[?/`),             // Tomcat
	regexp.MustCompile(`(?i)<pre><a href="[^"]*">\[To Parent Directory\]</a>`), // IIS
	regexp.MustCompile(`(?i)<h1>\s*<a href="/">Folder Home</a>`),
	regexp.MustCompile(`(?is)<title>[^<]*</title>.*<div class="(wrapper|layout)">.*class="breadcrumbs?">.*Sort by|id="summary">\s*<span class="meta-item"><b>\d+</b> director`), // Caddy
	regexp.MustCompile(`(?is)<div class="listing">\s*<table[^>]*summary.*href="\?sort=`),                                                                                        // Caddy 1 and rclone
	regexp.MustCompile(`(?is)<a href="\.\./?">\s*(\.\./?|Parent Directory)\s*</a>.*<a href="[^"/]+/?">`),
	regexp.MustCompile(`(?is)<pre>\s*<a href="[^"]+">[^<]+</a>\s*(<a href="[^"]+">[^<]+</a>\s*)*</pre>\s*$`), // Go's file server
}

func isListing(r *httpwire.Response) string {
	if r.Status != 200 || !isHTML(r) {
		return ""
	}
	body := string(r.Body[:min(len(r.Body), 128<<10)])
	for _, re := range listing {
		if at := re.FindStringIndex(body); at != nil && strings.Contains(strings.ToLower(body), "<a ") {
			return body[at[0]:min(at[1], at[0]+200)]
		}
	}
	return ""
}

func (s *scan) checkListings() {
	visited := map[string]bool{}
	for _, p := range s.site.pages {
		if target, _, _ := strings.Cut(p.target, "?"); strings.HasSuffix(target, "/") {
			visited[target] = true
			s.listed(target, p.response)
		}
	}
	var left []string
	for _, f := range s.site.folders {
		if !visited[f] {
			left = append(left, f)
		}
	}
	each(s, left, func(folder string) {
		if r, err := s.get(folder); err == nil {
			s.listed(folder, r)
		}
	})
}

func (s *scan) listed(folder string, r *httpwire.Response) {
	shown := isListing(r)
	if shown == "" || folder != "/" && !s.missing.exists(folder, r) {
		return
	}
	s.report(s.found("web.dirlist", "web-directory-listing", folder, 98, r, shown, "The server lists the files of "+folder+"."))
}

// backupName tells files that are copies or dumps by their names; content decides with them.
var backupName = regexp.MustCompile(`(?i)(\.(sql|bak|old|orig|dump|bkp|backup|swp|save)(\.(gz|bz2|xz|zip))?|~)$|(backup|dump|database|_db|db_|site|www|htdocs|old)[^/]*\.(zip|tar|tgz|tar\.gz|gz|7z|rar)$`)

// binaryStart are the first bytes of archives and databases.
var binaryStart = []string{"PK\x03\x04", "\x1f\x8b", "BZh", "7z\xbc\xaf\x27\x1c", "Rar!\x1a\x07", "SQLite format 3", "\xfd7zXZ", "PGDMP"}

var dumped = regexp.MustCompile(`(?i)-- (MySQL|MariaDB) dump|-- PostgreSQL database dump|CREATE TABLE|INSERT INTO`)

// checkBackups looks at linked and listed files whose names say that they are copies.
func (s *scan) checkBackups() {
	var names []string
	for _, f := range s.site.files {
		if backupName.MatchString(f) && len(names) < 60 {
			names = append(names, f)
		}
	}
	each(s, names, func(f string) {
		r, err := s.client.Do(&httpwire.Request{Method: "GET", Target: f, Header: []httpwire.Field{{Name: "Range", Value: "bytes=0-65535"}}})
		if err == nil && (r.Status == 400 || r.Status == 416) { // some take no range that ends after the file
			r, err = s.client.Do(httpwire.Get(f))
		}
		if err != nil || r.Status != 200 && r.Status != 206 || isHTML(r) {
			return
		}
		body := string(r.Body)
		shown := dumped.FindString(body) + source.FindString(body)
		for _, start := range binaryStart {
			if strings.HasPrefix(body, start) {
				shown = start
			}
		}
		if shown != "" {
			s.report(s.found("web.backup-exposed", "web-listed-backup", f, 97, r, shown, "A copy or dump is served: "+f))
		}
	})
}

var leftoverSuffixes = []string{".bak", ".old", ".orig", ".save", "~", ".swp", ".txt", ".backup", ".1", ".copy"}

// source recognises program text that a server should have run.
var source = regexp.MustCompile(`(?i)<\?php|<\?=|<%@|<%[ =]|\bnamespace [A-Z]\w+;|#!/usr/bin/(env |perl|python|php)|\bimport java\.|\bpublic (class|function)\b`)

// usualPrograms hold the secrets of many applications in PHP, and are linked by none.
var usualPrograms = []string{"/index.php", "/config.php", "/wp-config.php", "/configuration.php", "/settings.php", "/db.php", "/database.php", "/config.inc.php"}

// checkLeftovers asks for copies of the programs that the crawler found, under the names that editors and people give.
func (s *scan) checkLeftovers() {
	var programs []string
	for _, f := range s.site.files {
		switch strings.ToLower(path.Ext(f)) {
		case ".php", ".asp", ".aspx", ".jsp", ".cgi", ".pl", ".py", ".inc", ".rb":
			programs = append(programs, f)
		}
	}
	programs = programs[:min(len(programs), 40)]
	if slices.ContainsFunc(programs, func(f string) bool { return strings.HasSuffix(strings.ToLower(f), ".php") }) {
		for _, f := range usualPrograms {
			if !slices.Contains(programs, f) {
				programs = append(programs, f)
			}
		}
	}
	each(s, programs, func(f string) {
		for _, suffix := range leftoverSuffixes {
			s.leftover(f, f+suffix)
		}
		folder, name := path.Split(f)
		s.leftover(f, folder+"."+name+".swp")
		s.leftover(f, strings.TrimSuffix(f, path.Ext(f))+".bak")
	})
}

func (s *scan) leftover(original, copy string) {
	r, err := s.get(copy)
	if err != nil || r.Status != 200 || !s.missing.exists(copy, r) {
		return
	}
	shown := source.FindString(string(r.Body))
	if strings.HasSuffix(copy, ".swp") && strings.HasPrefix(string(r.Body), "b0VIM ") {
		shown = "b0VIM "
	}
	if shown == "" || isHTML(r) && !strings.HasPrefix(strings.TrimSpace(string(r.Body)), "<?") {
		return
	}
	s.report(s.found("web.backup-exposed", "web-leftover-copy", copy, 97, r, shown, fmt.Sprintf("A copy of %s is served as text, with its source.", original)))
}
