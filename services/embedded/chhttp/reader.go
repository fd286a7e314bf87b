package chhttp

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
	"github.com/throughline-trials/throughline/services/embedded/gate"
)

// readerSetup is the session state for accounts other than the services': one of their databases, such settings as
// they may choose, and hard limits.
func (h *Handler) readerSetup(req *request) (chdb.Setup, error) {
	account := req.account
	if len(account.Databases) == 0 {
		return chdb.Setup{}, refusef(http.StatusForbidden, codeAccessDenied, "this account has no databases")
	}
	database := firstOf(req.database, account.Databases[0])
	if !slices.Contains(account.Databases, database) {
		return chdb.Setup{}, refusef(http.StatusForbidden, codeAccessDenied, "this account may not read that database")
	}
	settings := map[string]string{}
	limit := h.config.ReaderTime
	for name, value := range req.settings {
		switch {
		case name == "max_execution_time":
			limit = shorter(limit, value)
		case gate.Setting(name):
			settings[name] = value
		default:
			return chdb.Setup{}, refusef(http.StatusForbidden, codeAccessDenied, "this account may not change the setting %s", name)
		}
	}
	settings["readonly"] = "2" // below it, not even the settings above could be set; the gate lets no others through
	settings["max_execution_time"] = strconv.FormatFloat(limit.Seconds(), 'f', -1, 64)
	settings["max_memory_usage"] = strconv.FormatInt(h.config.ReaderMemory, 10)
	settings["max_result_bytes"] = strconv.FormatInt(h.config.ReaderMemory/2, 10)
	return chdb.Setup{Database: database, Settings: settings}, nil
}

// shorter is the given time in seconds, if it is one and less than the limit.
func shorter(limit time.Duration, seconds string) time.Duration {
	s, err := strconv.ParseFloat(seconds, 64)
	if given := time.Duration(s * float64(time.Second)); err == nil && s > 0 && given < limit {
		return given
	}
	return limit
}

// checkReader refuses every statement that is not known to be harmless.
func checkReader(conn *chdb.Conn, req *request) error {
	err := gate.Check(conn, req.text, req.params, req.account.Databases)
	var denied *gate.Denied
	if errors.As(err, &denied) {
		return refusef(http.StatusForbidden, codeAccessDenied, "%s", denied)
	}
	return err
}
