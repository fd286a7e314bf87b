package simulate

import "github.com/throughline-trials/throughline/pkg/event"

// remoteStudies returns the two studies of synchronous and the three of asynchronous technology. In the synchronous
// trial 86 of 276 complete the intervention; its second report, which the review counts as a study, has no participants
// of its own and stands here as a follow-on trial that has only screened. Asynchronous engagement is 80 to 100 %.
func remoteStudies() []*blueprint {
	return []*blueprint{
		{
			id: "demo-phone-kiosk", title: "Telephone peers with web modules at clinic kiosks", design: designRandomised, tier: "medium",
			duration: 182, followUp: 365, recruit: 300, exact: true, strata: true, perProtocol: 13, assessments: instruments(weight, fitness, quality),
			sites: []site{{"lakes", "America/Chicago"}, {"bay", "America/Los_Angeles"}},
			note:  "The review reports completion over all arms of this trial: 86 of 276.",
			parts: parts(on("calls", event.ChannelPhoneCall), on("kiosk", event.ChannelKiosk), on("classes", event.ChannelInPerson)),
			arms: []armPlan{
				{id: "calls", label: "Peer calls and kiosk modules", role: experimental, delivery: event.DeliverySynchronous, parts: []string{"calls", "kiosk"}, n: 92,
					dropout: 0.29, stops: [portions]float64{0.34}, never: 0.25, participation: 0.6, completed: 52, peers: 6, mode: "calls", effect: 0.35},
				{id: "classes", label: "Classes in person", role: comparator, delivery: event.DeliveryNone, parts: []string{"classes"}, n: 92,
					dropout: 0.34, stops: [portions]float64{0, 0.5}, never: 0.3, participation: 0.42, completed: 34, effect: 0.2},
				{id: "usual", label: "Care as usual", role: control, delivery: event.DeliveryNone, n: 92, dropout: 0.26, effect: 0.05},
			},
			quirks: quirks{unblinded: true, contamination: true},
		}, {
			id: "demo-phone-kiosk-follow-on", title: "Follow-on trial of telephone peers: screening", design: designRandomised, tier: "not_reported",
			duration: 182, followUp: 365, recruit: 25, ended: -385, assessments: instruments(weight),
			note:       "The review counts two reports of one trial. Its participants are counted once; this second entry has screened but assigned nobody, so engagement is not reported.",
			parts:      parts(on("calls", event.ChannelPhoneCall), on("kiosk", event.ChannelKiosk)),
			ineligible: 9, declined: 6, unallocated: 11,
			arms: []armPlan{
				{id: "calls", label: "Peer calls and kiosk modules", role: experimental, delivery: event.DeliverySynchronous, parts: []string{"calls", "kiosk"}},
				{id: "usual", label: "Care as usual", role: control, delivery: event.DeliveryNone},
			},
		}, {
			id: "demo-tablet-videos", title: "Peer-led videos on a worker's tablet", design: designPrePost, tier: "high",
			duration: 84, zone: "Australia/Sydney", assessments: instruments(recovery, hope),
			parts: parts(on("tablet", event.ChannelTablet), on("videos", event.ChannelVideo)),
			arms: []armPlan{{id: "tablet", label: "Tablet and videos", role: experimental, delivery: event.DeliveryAsynchronous, parts: []string{"tablet", "videos"}, n: 60,
				dropout: 0.05, stops: [portions]float64{0.05}, participation: 0.9, completed: 50, effect: 0.4}},
		}, {
			id: "demo-peer-mails", title: "Peer-written e-mails and videos with online psychoeducation", design: designRandomised, tier: "high",
			duration: 56, followUp: 182, zone: "Australia/Sydney", assessments: instruments(symptoms, selfManage),
			parts: parts(on("mails", event.ChannelEmail), on("videos", event.ChannelVideo), on("course", event.ChannelWeb)),
			arms: []armPlan{
				{id: "mails", label: "Course, videos and peer e-mails", role: experimental, delivery: event.DeliveryAsynchronous, parts: []string{"mails", "videos", "course"}, n: 60,
					dropout: 0.1, stops: [portions]float64{0.05}, never: 0.3, participation: 0.9, completed: 46, effect: 0.3, deaths: 1},
				{id: "videos", label: "Course and videos", role: experimental, delivery: event.DeliveryAsynchronous, parts: []string{"videos", "course"}, n: 60,
					dropout: 0.15, stops: [portions]float64{0.1}, never: 0.3, participation: 0.84, completed: 40, effect: 0.3},
				{id: "course", label: "Course alone", role: comparator, delivery: event.DeliveryNone, parts: []string{"course"}, n: 60,
					dropout: 0.25, stops: [portions]float64{0.3}, never: 0.3, participation: 0.58, completed: 28, effect: 0.25},
			},
			quirks: quirks{testTraffic: true},
		}, {
			id: "demo-lived-experience-site", title: "Interactive recovery website with videos of lived experience", design: designQualitative, tier: "high",
			duration: 84, opened: 260, recruit: 640, zone: "Europe/Amsterdam", assessments: instruments(recovery, hope),
			parts: parts(on("site", event.ChannelWeb), on("videos", event.ChannelVideo)),
			arms: []armPlan{{id: "site", label: "Recovery website", role: experimental, delivery: event.DeliveryAsynchronous, parts: []string{"site", "videos"}, n: 110,
				dropout: 0.08, stops: [portions]float64{0.05}, participation: 0.9, completed: 90, effect: 0.3}},
		},
	}
}
