package study

import "github.com/throughline-trials/throughline/pkg/event"

// Thresholds of the default rules (METRICS: qualifying activity).
const (
	threadViewSeconds = 30
	sessionSeconds    = 60
	callSeconds       = 300
	visitSeconds      = 300
	videoPercent      = 75
	wornMinutes       = 480
)

// DefaultRule returns the rule of a channel for periods of so many days. A two-way peer contact qualifies on every
// channel; which component it belongs to is told by its mode.
func DefaultRule(channel event.Channel, periodDays int) Rule {
	rule := Rule{MinEvents: 1, MinDays: 1, Default: true, AnyOf: append(channelBranches(channel), peerContact())}
	if channel == event.ChannelFitnessTracker {
		rule.MinDays = (4*periodDays + 6) / 7
	}
	return rule
}

func channelBranches(channel event.Channel) []Rule {
	switch channel {
	case event.ChannelListserv, event.ChannelBulletinBoard, event.ChannelSocialNetwork, event.ChannelSharedDocument:
		return []Rule{
			of("post.created", "reply.created", "reaction.added"),
			of("thread.viewed").where("view_seconds", atLeast(threadViewSeconds)),
		}
	case event.ChannelApp, event.ChannelWeb:
		return []Rule{
			of("session.started", "session.ended").where("active_seconds", atLeast(sessionSeconds)),
			of("module.completed", "exercise.completed", "training.session_completed"),
		}
	case event.ChannelTextMessage:
		return []Rule{of("message.replied")}
	case event.ChannelEmail:
		return []Rule{of("email.link_clicked", "message.replied")}
	case event.ChannelPhoneCall, event.ChannelVideoCall:
		call := of("call.ended").where("both_present", Condition{Equals: true})
		return []Rule{call.where("connected_seconds", atLeast(callSeconds))}
	case event.ChannelKiosk:
		return []Rule{
			of("kiosk.visit_started").where(AttributeVisitSeconds, atLeast(visitSeconds)),
			of("module.completed"),
		}
	case event.ChannelTablet:
		return []Rule{of("tablet.handed_over", "session.started", "session.ended", "video.started", "video.progressed", "video.completed")}
	case event.ChannelVideo:
		return []Rule{of("video.progressed", "video.completed").where("unique_percent", atLeast(videoPercent))}
	case event.ChannelInPerson:
		return []Rule{of("visit.attended")}
	case event.ChannelFitnessTracker:
		return []Rule{of("wear_day.recorded").where("minutes_worn", atLeast(wornMinutes))}
	}
	return nil
}

func peerContact() Rule {
	return of("peer_contact.completed").where("two_way", Condition{Equals: true})
}

func of(types ...string) Rule { return Rule{Types: types, MinEvents: 1, MinDays: 1} }

func (r Rule) where(attribute string, c Condition) Rule {
	conditions := map[string]Condition{attribute: c}
	for name, other := range r.Where {
		conditions[name] = other
	}
	r.Where = conditions
	return r
}

func atLeast(n float64) Condition { return Condition{Min: &n} }
