package chhttp

import (
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/throughline-trials/throughline/services/embedded/chdb"
)

// readerSetup is the session state for accounts other than the services': one of their databases and hard limits.
func (h *Handler) readerSetup(req *request) (chdb.Setup, error) {
	account := req.account
	if len(account.Databases) == 0 {
		return chdb.Setup{}, refusef(http.StatusForbidden, codeAccessDenied, "this account has no databases")
	}
	database := firstOf(req.database, account.Databases[0])
	if !slices.Contains(account.Databases, database) {
		return chdb.Setup{}, refusef(http.StatusForbidden, codeAccessDenied, "this account may not read that database")
	}
	settings := maps.Clone(req.settings)
	settings["readonly"] = "2"
	settings["max_execution_time"] = strconv.FormatFloat(h.config.ReaderTime.Seconds(), 'f', -1, 64)
	settings["max_memory_usage"] = strconv.FormatInt(h.config.ReaderMemory, 10)
	return chdb.Setup{Database: database, Settings: settings}, nil
}

// checkReader refuses every statement that is not known to be harmless.
func checkReader(_ *chdb.Conn, _ *request) error {
	return refusef(http.StatusForbidden, codeAccessDenied, "this account may not send statements")
}
