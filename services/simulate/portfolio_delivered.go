package simulate

import "github.com/throughline-trials/throughline/pkg/event"

// deliveredStudies returns the eleven studies of peer-delivered interventions with technology: two randomised, two
// quasi-experimental, six before and after, one qualitative; four of high engagement, three medium, three low, one that
// did not report it. Their attrition lies between 0 and 77 %.
func deliveredStudies() []*blueprint {
	return append(deliveredTrials(), deliveredCohorts()...)
}

func deliveredTrials() []*blueprint {
	return []*blueprint{
		{
			id: "demo-decision-centre", title: "Shared decision making with a peer in a decision support centre", design: designRandomised, tier: "low",
			duration: 180, period: 30, followUp: 365, strata: true, assessments: instruments(empowerment, symptoms, quality),
			parts: parts(on("programme", event.ChannelWeb), on("peer", event.ChannelInPerson)),
			arms: []armPlan{
				{id: "centre", label: "Decision support centre", role: experimental, delivery: event.DeliveryPeerDelivered, parts: []string{"programme", "peer"}, n: 45,
					dropout: 0.36, stops: [portions]float64{0.62, 0.58}, never: 0.25, participation: 0.36, completed: 12, peers: 5, mode: "peer", effect: 0.25, deaths: 1},
				{id: "usual", label: "Care as usual", role: control, delivery: event.DeliveryNone, n: 45, dropout: 0.27, effect: 0.1},
			},
			quirks: quirks{foundAgain: true, contamination: true},
		}, {
			id: "demo-cognitive-training", title: "Web cognitive training together with a peer", design: designRandomised, tier: "low",
			duration: 120, period: 10, followUp: 180, assessments: instruments(quality, symptoms), zone: "America/Chicago",
			parts: parts(part{id: "training", channel: event.ChannelWeb, training: true}, on("sessions", event.ChannelInPerson)),
			arms: []armPlan{
				{id: "peer", label: "Training with a peer", role: experimental, delivery: event.DeliveryPeerDelivered, parts: []string{"training", "sessions"}, n: 48,
					dropout: 0.29, stops: [portions]float64{0.54, 0.6}, never: 0.2, participation: 0.38, completed: 14, peers: 4, mode: "sessions", effect: 0.3},
				{id: "alone", label: "Training alone", role: comparator, delivery: event.DeliveryNone, parts: []string{"training"}, n: 48,
					dropout: 0.44, stops: [portions]float64{0.69}, never: 0.25, participation: 0.26, completed: 8, effect: 0.25},
			},
			outages: []outage{{"training", 60, 11}}, quirks: quirks{testTraffic: true},
		}, {
			id: "demo-adherence-app", title: "Peers with a medication and self-management app", design: designQuasi, tier: "high",
			duration: 168, assessments: instruments(selfManage, symptoms), sites: []site{{"harbour", "America/New_York"}, {"plains", "America/Denver"}},
			parts: parts(on("app", event.ChannelApp), on("peer", event.ChannelInPerson)),
			arms: []armPlan{
				{id: "app", label: "App and peer", role: experimental, delivery: event.DeliveryPeerDelivered, parts: []string{"app", "peer"}, n: 60,
					dropout: 0.12, stops: [portions]float64{0.13, 0.2}, never: 0.1, participation: 0.84, completed: 45, peers: 6, mode: "peer", effect: 0.45, deaths: 1},
				{id: "usual", label: "Care as usual", role: control, delivery: event.DeliveryNone, n: 60, dropout: 0.25, effect: 0.05},
			},
			quirks: quirks{testTraffic: true, contamination: true, strayMessages: true},
		}, {
			id: "demo-wellbeing-app", title: "Physical well-being app delivered by peers", design: designQuasi, tier: "medium",
			duration: 84, followUp: 112, assessments: instruments(fitness, quality),
			parts: parts(on("app", event.ChannelApp)),
			arms: []armPlan{
				{id: "app", label: "App delivered by peers", role: experimental, delivery: event.DeliveryPeerDelivered, parts: []string{"app"}, n: 40,
					dropout: 0.25, stops: [portions]float64{0.28}, never: 0.2, participation: 0.62, completed: 20, peers: 4, effect: 0.25},
				{id: "handout", label: "Printed handout", role: control, delivery: event.DeliveryNone, n: 40, dropout: 0.18, effect: 0.1},
			},
		},
	}
}

func deliveredCohorts() []*blueprint {
	return []*blueprint{
		{
			id: "demo-peer-app-pilot", title: "In-person peer support with a smartphone app", design: designPrePost, tier: "high",
			duration: 84, modules: 10, assessments: instruments(selfManage, hope, empowerment),
			parts: parts(on("peer", event.ChannelInPerson), on("app", event.ChannelApp)),
			arms: []armPlan{{id: "peer-app", label: "Peer and app", role: experimental, delivery: event.DeliveryPeerDelivered, parts: []string{"peer", "app"}, n: 30,
				dropout: 0.07, stops: [portions]float64{0.1, 0.07}, participation: 0.88, completed: 24, peers: 3, effect: 0.5}},
			quirks: quirks{testTraffic: true},
		}, {
			id: "demo-shared-decisions-web", title: "Web shared decision making with a peer at the clinic", design: designPrePost, tier: "high",
			duration: 182, period: 14, assessments: instruments(empowerment, recovery),
			parts: parts(on("site", event.ChannelWeb), on("peer", event.ChannelInPerson)),
			arms: []armPlan{{id: "shared", label: "Website with a peer", role: experimental, delivery: event.DeliveryPeerDelivered, parts: []string{"site", "peer"}, n: 50,
				dropout: 0, stops: [portions]float64{0.06, 0.06}, participation: 0.87, completed: 42, peers: 5, mode: "peer", effect: 0.35}},
		}, {
			id: "demo-recovery-platform", title: "Recovery platform used with a peer", design: designPrePost, tier: "medium",
			duration: 182, assessments: instruments(recovery, symptoms), zone: "America/Toronto",
			parts: parts(on("platform", event.ChannelWeb), on("peer", event.ChannelInPerson)),
			arms: []armPlan{{id: "platform", label: "Platform and peer", role: experimental, delivery: event.DeliveryPeerDelivered, parts: []string{"platform", "peer"}, n: 80,
				dropout: 0.21, stops: [portions]float64{0.25, 0.35}, never: 0.15, participation: 0.63, completed: 48, peers: 8, mode: "peer", effect: 0.3, deaths: 1}},
			outages: []outage{{"platform", 90, 4}}, quirks: quirks{foundAgain: true},
		}, {
			id: "demo-walking-app", title: "Walking app handed out by peers", design: designPrePost, tier: "low",
			duration: 168, followUp: 196, assessments: instruments(fitness, quality),
			parts: parts(on("app", event.ChannelApp)),
			arms: []armPlan{{id: "walking", label: "Walking app", role: experimental, delivery: event.DeliveryPeerDelivered, parts: []string{"app"}, n: 50,
				dropout: 0.68, stops: [portions]float64{0.72}, never: 0.3, participation: 0.28, completed: 8, peers: 4, effect: 0.1}},
			quirks: quirks{testTraffic: true},
		}, {
			id: "demo-weight-texts", title: "Peer groups with text messages and fitness trackers", design: designPrePost, tier: "medium",
			duration: 168, assessments: instruments(weight, fitness),
			parts: parts(on("groups", event.ChannelInPerson), on("texts", event.ChannelTextMessage), on("tracker", event.ChannelFitnessTracker)),
			arms: []armPlan{{id: "groups", label: "Groups, texts and tracker", role: experimental, delivery: event.DeliveryPeerDelivered, parts: []string{"groups", "texts", "tracker"}, n: 40,
				dropout: 0.2, stops: [portions]float64{0.3, 0.35}, never: 0.1, participation: 0.63, completed: 22, peers: 3, mode: "groups", effect: 0.35}},
		}, {
			id: "demo-decisions-app", title: "Decision support app delivered by peers", design: designPrePost, tier: "high",
			duration: 84, followUp: 112, opened: 240, recruit: 600, assessments: instruments(empowerment, hope),
			parts: parts(on("app", event.ChannelApp)),
			arms: []armPlan{{id: "app", label: "App delivered by peers", role: experimental, delivery: event.DeliveryPeerDelivered, parts: []string{"app"}, n: 130,
				dropout: 0.14, stops: [portions]float64{0.12}, never: 0.2, participation: 0.86, completed: 100, peers: 6, effect: 0.35}},
			quirks: quirks{testTraffic: true},
		}, {
			id: "demo-peer-app-interviews", title: "Interviews on a peer-delivered app: use was not recorded", design: designQualitative, tier: "not_reported",
			duration: 42, assessments: instruments(hope),
			note: "The interviews did not record use, so the arm has no components and engagement is not reported.",
			arms: []armPlan{{id: "interviews", label: "Interviewed users", role: experimental, delivery: event.DeliveryPeerDelivered, n: 18, dropout: 0.11, effect: 0.2}},
		},
	}
}
