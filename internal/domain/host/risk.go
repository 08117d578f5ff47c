package host

import (
	"math"

	"github.com/vedette/vedette/internal/domain/scan"
)

// MaxRisk is the top of the score.
const MaxRisk = 1000

// RiskPart is what the vulnerabilities of one threat add to the score.
type RiskPart struct {
	Threat string  `json:"threat" enum:"Critical,High,Medium,Low"`
	Count  int     `json:"count"`
	Weight float64 `json:"weight" doc:"Share that each takes of what is left to the top"`
	Points int     `json:"points" doc:"What they add to the score, the graver ones counted first"`
}

// RiskScore of a host, explained.
type RiskScore struct {
	Score int        `json:"score" doc:"0 to 1000; the sum of the points"`
	Max   int        `json:"max"`
	Parts []RiskPart `json:"parts"`
}

// Explain the risk of a host from 0 to 1000: each vulnerability takes a share of what is left to the top, a critical one a third,
// a high one a sixth, a medium one a twentieth, a low one a hundredth. What is only logged adds nothing.
func Explain(c scan.Counts) RiskScore {
	r := RiskScore{Max: MaxRisk, Parts: []RiskPart{
		{Threat: "Critical", Count: c.Critical, Weight: 1. / 3}, {Threat: "High", Count: c.High, Weight: 1. / 6},
		{Threat: "Medium", Count: c.Medium, Weight: 1. / 20}, {Threat: "Low", Count: c.Low, Weight: 1. / 100}}}
	left := 1.0
	for i := range r.Parts {
		p := &r.Parts[i]
		for range min(p.Count, 200) {
			left *= 1 - p.Weight
		}
		p.Points = int((1-left)*MaxRisk) - r.Score
		r.Score += p.Points
		p.Weight = math.Round(p.Weight*1000) / 1000
	}
	return r
}

// Risk is the score alone.
func Risk(c scan.Counts) int { return Explain(c).Score }
