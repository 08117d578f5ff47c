package app

import "maps"

func init() {
	wizard := object{"scan": object{"name": "by wizard", "hosts": "192.0.2.99", "scope_attestation": object{"accepted": true, "name": "A", "title": "B"}}}
	maps.Copy(fixtures, map[string]fixture{
		"createScanFromWizard":      plain("/v2/scans/wizard").with(wizard),
		"previewScan":               about("/v2/scans/%s/preview", "spare scan"),
		"pauseScan":                 about("/v2/scans/%s/pause", "scan"),
		"resumeScan":                about("/v2/scans/%s/resume", "scan"),
		"compareScan":               about("/v2/scans/%s/compare", "scan"),
		"followScan":                about("/v2/scans/%s/events", "scan"),
		"listScanProfiles":          plain("/v2/scan_profiles"),
		"listActivatedScanProfiles": plain("/v2/scan_profiles/activated"),
		"stopAllScans":              plain("/v2/installation/stop_all"),
		"resumeAllScans":            plain("/v2/installation/resume_all"),
		"showInstallationHold":      plain("/v2/installation/hold"),
		"drainScanner":              about("/v2/scanners/%s/drain", "scanner"),
		"linkScannerAgain":          about("/v2/scanners/%s/linking_code", "scanner"),
	})
}
