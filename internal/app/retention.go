package app

import (
	"github.com/vedette/vedette/internal/domain/retention"
	"github.com/vedette/vedette/internal/platform/config"
)

func periods(c config.Retention) retention.Periods {
	return retention.Periods{Evidence: c.EvidenceDays, Histories: c.HistoryDays, Reports: c.ReportDays, PCI: c.PCIDays, Events: c.EventDays,
		Verifications: c.VerificationDays}
}
