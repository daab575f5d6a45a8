package shopifyfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const shipmentBase = 3_000_000_000

// fulfilRequest sends an order's goods off, or marks them as delivered: POST
// {"order": "#1001", "delivered": false} as JSON or as a form. The order is named
// by its name or its ID.
func (s *shop) fulfilRequest(w http.ResponseWriter, r *http.Request) {
	form := !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
	var in struct {
		Order     string `json:"order"`
		Delivered bool   `json:"delivered"`
	}
	if form {
		in.Order, in.Delivered = r.FormValue("order"), r.FormValue("delivered") == "true"
	} else if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
		http.Error(w, `give {"order": "#1001", "delivered": false}`, http.StatusBadRequest)
		return
	}
	id := in.Order
	if !strings.HasPrefix(id, "gid://") {
		s.env.State().Get("order_name", strings.TrimPrefix(id, "#"), &id)
	}
	o, ok := s.getOrder(id)
	switch {
	case !ok:
		http.Error(w, "there is no such order", http.StatusNotFound)
		return
	case o.Cancelled != nil:
		http.Error(w, "the order is cancelled", http.StatusConflict)
		return
	}
	s.fulfil(&o, in.Delivered)
	if form {
		http.Redirect(w, r, s.env.BaseURL()+"/admin", http.StatusSeeOther)
		return
	}
	writeJSON(w, http.StatusOK, o.Shipment)
}

// fulfil moves an order on and tells about it; what is done already stays as it is.
func (s *shop) fulfil(o *order, delivered bool) {
	if o.Shipment == nil {
		number := fmt.Sprintf("LB%09d", o.Number)
		o.Shipment = &shipment{ID: gid("Fulfillment", shipmentBase+o.Number), Number: number,
			Company: "Parcel Express", URL: "https://parcels.example/track/" + number}
		s.put(*o)
		s.tell(s.shipmentPayload(*o), "fulfillments/create")
	}
	if delivered && !o.Shipment.Delivered {
		o.Shipment.Delivered = true
		s.put(*o)
		s.tell(s.shipmentPayload(*o), "fulfillments/update")
	}
}
