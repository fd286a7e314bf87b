package analyst

import "github.com/throughline-trials/throughline/pkg/event"

// reviewCitation is where the published ranges are from.
const reviewCitation = "Digital peer support mental health interventions for people with a lived experience of a serious mental illness: " +
	"systematic review. JMIR Ment Health 2020;7(4):e16460. doi:10.2196/16460"

// Reference is one published figure of a delivery type: a range, a value, or x of n.
type Reference struct {
	Measure string        `json:"measure"`
	Portion event.Portion `json:"portion,omitempty"`
	Channel event.Channel `json:"channel,omitempty"`
	Low     *float64      `json:"low,omitempty"`
	High    *float64      `json:"high,omitempty"`
	Value   *float64      `json:"value,omitempty"`
	X       int           `json:"x,omitempty"`
	N       int           `json:"n,omitempty"`
	Note    string        `json:"note,omitempty"`
}

// references returns what the review published of a delivery type.
func references(t event.DeliveryType) []Reference {
	switch t {
	case event.DeliveryPeerToPeer:
		return []Reference{
			{Measure: "attrition", Portion: event.PortionInPerson, Low: number(0), High: number(0.78), Note: "studies that reported it"},
			{Measure: "attrition", Portion: event.PortionTechnology, Channel: event.ChannelSocialNetwork, Value: number(0.24)},
			{Measure: "attrition", Portion: event.PortionTechnology, Channel: event.ChannelBulletinBoard, Low: number(0), High: number(0.05)},
		}
	case event.DeliveryPeerDelivered:
		return []Reference{{Measure: "attrition", Low: number(0), High: number(0.77)}}
	case event.DeliverySynchronous:
		return []Reference{{Measure: "completion", X: 86, N: 276}}
	case event.DeliveryAsynchronous:
		return []Reference{{Measure: "engagement", Low: number(0.8), High: number(1)}}
	}
	return []Reference{}
}

func number(v float64) *float64 { return &v }
