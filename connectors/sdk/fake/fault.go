package fake

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// The faults that can be injected into a fake, by name. Beside them are the
// statuses of [FaultStatus].
const (
	// FaultTimeout: no answer until the client gives up.
	FaultTimeout = "timeout"
	// FaultCutAfterWrite: done, then the connection is cut without an answer.
	FaultCutAfterWrite = "cut_after_write"
	// FaultForgetKeys: the fake forgets idempotency keys.
	FaultForgetKeys = "forget_keys"
	// FaultSearchLag: the fake's searches miss what is younger than a lag.
	FaultSearchLag = "search_lag"
)

// FaultStatus gives the status of a fault that is answered before the fake sees
// the request: 401, 429, 500 or 503.
func FaultStatus(fault string) (status int, ok bool) {
	switch fault {
	case "401", "429", "500", "503":
		status, _ = strconv.Atoi(fault)
		return status, true
	}
	return 0, false
}

// AnswerFault answers for a fault of [FaultStatus]. The header Retry-After is in
// whole seconds, rounded up; a 429 without one says 1.
func AnswerFault(w http.ResponseWriter, fault string, retryAfter time.Duration) {
	status, ok := FaultStatus(fault)
	if !ok {
		panic("fake: " + fault + " is no fault that answers")
	}
	if fault == "429" && retryAfter <= 0 {
		retryAfter = time.Second
	}
	if retryAfter > 0 {
		secs := (retryAfter + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.FormatInt(int64(secs), 10))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"error":{"code":`+strconv.Quote(fault)+`,"message":"injected by the sandbox"}}`)
}
