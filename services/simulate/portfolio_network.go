package simulate

import "github.com/throughline-trials/throughline/pkg/event"

// networkStudies returns the fourteen studies of peer-to-peer networks: six randomised, eight before and after; seven of
// high engagement, three medium, two low, two that did not report it. In their social networks 24 % stop using the
// technology, on their bulletin boards at most 5 %.
func networkStudies() []*blueprint {
	return append(networkTrials(), networkCohorts()...)
}

func networkTrials() []*blueprint {
	return []*blueprint{
		{
			id: "demo-listserv-board", title: "Unmoderated listserv and internet bulletin board", design: designRandomised, tier: "low",
			duration: 168, followUp: 365, recruit: 180, exact: true, strata: true, assessments: instruments(recovery, quality, empowerment, support),
			parts: parts(on("listserv", event.ChannelListserv), on("board", event.ChannelBulletinBoard)),
			arms: []armPlan{
				{id: "listserv", label: "Peer listserv", role: experimental, delivery: event.DeliveryPeerToPeer, parts: []string{"listserv"}, n: 100,
					dropout: 0.09, stops: [portions]float64{0.46}, never: 0.3, participation: 0.34, completed: 40, effect: 0.05},
				{id: "board", label: "Peer bulletin board", role: experimental, delivery: event.DeliveryPeerToPeer, parts: []string{"board"}, n: 100,
					dropout: 0.07, stops: [portions]float64{0.04}, never: 0.5, participation: 0.42, completed: 55, effect: 0.05},
				{id: "waiting", label: "Waiting list", role: control, delivery: event.DeliveryNone, n: 100, dropout: 0.11, effect: 0},
			},
			quirks: quirks{unblinded: true},
		}, {
			id: "demo-parents-listserv-trial", title: "Listserv for parents with web parenting modules", design: designRandomised, tier: "high",
			duration: 84, followUp: 112, modules: 8, zone: "America/Chicago", assessments: instruments(selfManage, support), perProtocol: 8,
			parts: parts(on("listserv", event.ChannelListserv), on("modules", event.ChannelWeb), on("lifestyle", event.ChannelWeb)),
			arms: []armPlan{
				{id: "parenting", label: "Listserv and parenting modules", role: experimental, delivery: event.DeliveryPeerToPeer, parts: []string{"listserv", "modules"}, n: 30,
					dropout: 0.1, stops: [portions]float64{0.1}, never: 0.3, participation: 0.85, completed: 22, effect: 0.5},
				{id: "lifestyle", label: "Healthy lifestyle modules", role: comparator, delivery: event.DeliveryNone, parts: []string{"lifestyle"}, n: 30,
					dropout: 0.23, stops: [portions]float64{0.3}, never: 0.2, participation: 0.57, completed: 13, effect: 0.15},
			},
			quirks: quirks{testTraffic: true},
		}, {
			id: "demo-psychoeducation-board", title: "Web psychoeducation with a bulletin board", design: designRandomised, tier: "low",
			duration: 182, followUp: 365, exact: true, strata: true, assessments: instruments(symptoms, support),
			parts: parts(on("board", event.ChannelBulletinBoard), on("site", event.ChannelWeb)),
			arms: []armPlan{
				{id: "website", label: "Website with bulletin board", role: experimental, delivery: event.DeliveryPeerToPeer, parts: []string{"board", "site"}, n: 40,
					dropout: 0.1, stops: [portions]float64{0.025}, participation: 0.33, completed: 20, effect: 0.45},
				{id: "usual", label: "Care as usual", role: control, delivery: event.DeliveryNone, n: 40, dropout: 0.15, effect: 0.05},
			},
			quirks: quirks{contamination: true},
		}, {
			id: "demo-family-board", title: "Family programme with a bulletin board", design: designRandomised, tier: "high",
			duration: 84, followUp: 365, exact: true, assessments: instruments(symptoms, hope), headline: "throughout", throughout: "0.5",
			parts: parts(on("board", event.ChannelBulletinBoard), on("site", event.ChannelWeb)),
			arms: []armPlan{
				{id: "online", label: "Online family programme", role: experimental, delivery: event.DeliveryPeerToPeer, parts: []string{"board", "site"}, n: 30,
					dropout: 0.1, participation: 0.88, completed: 26, effect: 0.4},
				{id: "usual", label: "Care as usual", role: control, delivery: event.DeliveryNone, n: 30, dropout: 0.2, effect: 0.05},
			},
		}, {
			id: "demo-motivation-app", title: "Smartphone app with motivation training and a community of users", design: designRandomised, tier: "high",
			duration: 84, followUp: 168, opened: 290, recruit: 700, sites: []site{{"west", "America/Los_Angeles"}, {"east", "America/New_York"}},
			assessments: instruments(symptoms, quality), strata: true, perProtocol: 8,
			parts: parts(on("app", event.ChannelApp)),
			arms: []armPlan{
				{id: "app", label: "Motivation training app", role: experimental, delivery: event.DeliveryPeerToPeer, parts: []string{"app"}, n: 120,
					dropout: 0.15, stops: [portions]float64{0.1}, never: 0.2, participation: 0.86, completed: 96, effect: 0.45},
				{id: "waiting", label: "Waiting list", role: control, delivery: event.DeliveryNone, n: 120, dropout: 0.2, effect: 0.05},
			},
			outages: []outage{{"app", 200, 3}}, quirks: quirks{testTraffic: true, contamination: true, reallocated: true},
		}, {
			id: "demo-self-management-list", title: "Group self-management with a listserv between meetings", design: designRandomised, tier: "high",
			duration: 84, followUp: 168, zone: "Europe/London", sites: []site{{"north", "Europe/London"}, {"south", "Europe/London"}},
			assessments: instruments(selfManage, hope, quality),
			parts:       parts(on("groups", event.ChannelInPerson), on("listserv", event.ChannelListserv)),
			arms: []armPlan{
				{id: "list", label: "Groups and listserv", role: experimental, delivery: event.DeliveryPeerToPeer, parts: []string{"groups", "listserv"}, n: 60,
					dropout: 0.12, stops: [portions]float64{0.1, 0.25}, never: 0.2, participation: 0.85, completed: 44, effect: 0.4, deaths: 1},
				{id: "groups", label: "Groups alone", role: comparator, delivery: event.DeliveryNone, parts: []string{"groups"}, n: 60,
					dropout: 0.22, stops: [portions]float64{0, 0.35}, never: 0.2, participation: 0.6, completed: 33, effect: 0.3},
			},
			quirks: quirks{foundAgain: true, reallocated: true, strayMessages: true},
		},
	}
}

func networkCohorts() []*blueprint {
	return []*blueprint{
		{
			id: "demo-weight-group-pilot", title: "Weight management with a social network group: use was not recorded", design: designPrePost, tier: "not_reported",
			duration: 168, assessments: instruments(weight, fitness),
			note: "The group's use was not recorded, so the arm has no components and engagement is not reported.",
			arms: []armPlan{{id: "group", label: "Lifestyle group", role: experimental, delivery: event.DeliveryPeerToPeer, n: 25, dropout: 0.28, effect: 0.3}},
		}, {
			id: "demo-lifestyle-group", title: "Lifestyle sessions with a social network group and fitness trackers", design: designPrePost, tier: "high",
			duration: 168, exact: true, assessments: instruments(weight, fitness),
			parts: parts(on("sessions", event.ChannelInPerson), on("group", event.ChannelSocialNetwork), on("tracker", event.ChannelFitnessTracker)),
			arms: []armPlan{{id: "lifestyle", label: "Sessions, group and tracker", role: experimental, delivery: event.DeliveryPeerToPeer,
				parts: []string{"sessions", "group", "tracker"}, n: 50, dropout: 0.12, stops: [portions]float64{0.24, 0.1}, never: 0.2,
				participation: 0.86, completed: 41, effect: 0.4}},
		}, {
			id: "demo-mood-board", title: "Bulletin board with exercises against low mood", design: designPrePost, tier: "medium",
			duration: 112, exact: true, zone: "Australia/Melbourne", assessments: instruments(symptoms, support),
			parts: parts(on("board", event.ChannelBulletinBoard), on("exercises", event.ChannelWeb)),
			arms: []armPlan{{id: "board", label: "Board and exercises", role: experimental, delivery: event.DeliveryPeerToPeer,
				parts: []string{"board", "exercises"}, n: 60, dropout: 0.05, stops: [portions]float64{0.034}, participation: 0.62, completed: 35, effect: 0.45}},
		}, {
			id: "demo-social-cognition-app", title: "Smartphone app with social cognition training", design: designPrePost, tier: "high",
			duration: 84, modules: 10, zone: "America/Los_Angeles", assessments: instruments(symptoms, quality),
			parts: parts(on("app", event.ChannelApp)),
			arms: []armPlan{{id: "app", label: "Social cognition app", role: experimental, delivery: event.DeliveryPeerToPeer,
				parts: []string{"app"}, n: 40, dropout: 0.1, stops: [portions]float64{0.1}, never: 0.3, participation: 0.86, completed: 30, effect: 0.4}},
			quirks: quirks{testTraffic: true},
		}, {
			id: "demo-group-records", title: "Exercise group with an online forum: service records only", design: designPrePost, tier: "not_reported",
			duration: 168, followUp: 365, assessments: instruments(fitness, weight), zone: "America/Toronto",
			note: "Only service records were kept, so the arm has no components and engagement is not reported.",
			arms: []armPlan{{id: "group", label: "Exercise group", role: experimental, delivery: event.DeliveryPeerToPeer, n: 34, dropout: 0.18, effect: 0.25}},
		}, {
			id: "demo-tracker-group", title: "Social network group with fitness trackers and weigh-ins", design: designPrePost, tier: "medium",
			duration: 168, exact: true, assessments: instruments(weight, fitness),
			parts: parts(on("group", event.ChannelSocialNetwork), on("tracker", event.ChannelFitnessTracker), on("weigh-ins", event.ChannelInPerson)),
			arms: []armPlan{{id: "group", label: "Group, tracker and weigh-ins", role: experimental, delivery: event.DeliveryPeerToPeer,
				parts: []string{"group", "tracker", "weigh-ins"}, n: 75, dropout: 0.2, stops: [portions]float64{0.24, 0.52}, never: 0.2,
				participation: 0.63, completed: 40, effect: 0.3}},
		}, {
			id: "demo-parents-listserv", title: "Listserv for parents", design: designPrePost, tier: "medium",
			duration: 91, assessments: instruments(support, hope),
			parts: parts(on("listserv", event.ChannelListserv)),
			arms: []armPlan{{id: "listserv", label: "Listserv", role: experimental, delivery: event.DeliveryPeerToPeer,
				parts: []string{"listserv"}, n: 45, dropout: 0.13, stops: [portions]float64{0.22}, never: 0.3, participation: 0.62, completed: 24, effect: 0.2}},
		}, {
			id: "demo-shared-documents", title: "Writing recovery stories together in shared documents", design: designPrePost, tier: "high",
			duration: 70, assessments: instruments(recovery, hope),
			parts: parts(on("documents", event.ChannelSharedDocument)),
			arms: []armPlan{{id: "writers", label: "Shared documents", role: experimental, delivery: event.DeliveryPeerToPeer,
				parts: []string{"documents"}, n: 24, dropout: 0.08, stops: [portions]float64{0.08}, participation: 0.87, completed: 20, effect: 0.35}},
		},
	}
}
