package event

// row is one row of the catalogue: any of its types takes any of its attributes.
type row struct {
	group           string
	types           string // names, parted by blanks
	about           string
	scope           Scope
	stream          Stream
	studyLevel      bool
	subjectOptional bool
	attributes      []AttributeSpec
}

// rows is the catalogue, version 1.
var rows = []row{
	// What trial staff, the registry and the randomisation service say.
	{
		group: "study", types: TypeDefinition, scope: ScopeAdmin, stream: StreamStudies, studyLevel: true,
		about:      "The definition of the study: a new one supersedes, the old stays for replay.",
		attributes: []AttributeSpec{required(object(DefinitionAttribute, "the whole study definition"))},
	}, {
		group: "registry", types: "participant.screened", scope: ScopeRegister, stream: StreamEvents,
		about: "Somebody was looked at for the study.",
		attributes: []AttributeSpec{
			required(flag("eligible", "whether the criteria are met")),
			reason("not_eligible", "declined", "unreachable"),
		},
	}, {
		group: "registry", types: "consent.given consent.renewed consent.withdrawn", scope: ScopeRegister, stream: StreamEvents,
		about:      "The participant's consent.",
		attributes: []AttributeSpec{label("consent_version", "version of the consent form")},
	}, {
		group: "registry", types: "participant.enrolled", scope: ScopeRegister, stream: StreamEvents,
		about: "The participant is in the study.",
		attributes: []AttributeSpec{
			name("site", "id of the site"),
			textMap("strata", "declared factor to declared level"),
		},
	}, {
		group: "allocation", types: TypeRandomised, scope: ScopeAllocate, stream: StreamAllocations,
		about: "The participant was assigned to an arm.",
		attributes: []AttributeSpec{
			required(name("arm", "id of the arm")),
			label("block", "block of the randomisation list"),
		},
	}, {
		group: "registry", types: "intervention.started intervention.discontinued intervention.completed", scope: ScopeRegister, stream: StreamEvents,
		about: "The participant's way through the intervention.",
		attributes: []AttributeSpec{
			reason("adverse_event", "no_benefit", "burden", "technical"),
			oneOf("decided_by", "who decided", "participant", "investigator", "sponsor"),
		},
	}, {
		group: "registry", types: "participation.paused participation.resumed", scope: ScopeRegister, stream: StreamEvents,
		about:      "A pause agreed on, and its end.",
		attributes: []AttributeSpec{reason("hospitalised", "travel", "illness")},
	}, {
		group: "registry", types: "participant.withdrew", scope: ScopeRegister, stream: StreamEvents,
		about: "The participant takes back participation, as far as the scope says.",
		attributes: []AttributeSpec{
			required(oneOf("scope", "what is withdrawn", "stop_intervention", "stop_intervention_keep_followup", "stop_all", "erase")),
			reason("burden", "privacy", "no_reason_given"),
		},
	}, {
		group: "registry", types: "participant.lost_to_follow_up participant.completed participant.died", scope: ScopeRegister, stream: StreamEvents,
		about:      "How the participant's time in the study ended.",
		attributes: []AttributeSpec{reason("unreachable", "moved")},
	}, {
		group: "study", types: TypeOutage, scope: ScopeRegister, stream: StreamStudies, studyLevel: true,
		about: "A component, or all, could not be used.",
		attributes: []AttributeSpec{
			name("component", "id of the component; absent: all"),
			required(instant("from", "when the outage began")),
			notBefore("from", instant("to", "when it ended; absent: still on")),
			reason("maintenance", "server_fault"),
		},
	}, {
		group: "study", types: TypeUnblinding, scope: ScopeAdmin, stream: StreamStudies, studyLevel: true,
		about: "An allocation was made known.",
		attributes: []AttributeSpec{
			oneOf("scope", "whose allocation", "participant", "study"),
			reason("emergency", "final_analysis"),
			flag("planned", "whether the protocol foresaw it"),
			text("by", "role of who asked for it", "investigator", "monitoring_committee"),
		},
	}, {
		group: "record", types: "event.voided event.corrected", scope: ScopeRegister, stream: StreamEvents, subjectOptional: true,
		about: "What is said about an earlier event. A correction holds the attributes to replace beside the target.",
		attributes: []AttributeSpec{
			required(text("target_source", "source of the event meant")),
			required(text("target_id", "id of the event meant")),
			reason("entered_in_error", "duplicate_entry"),
		},
	},
	// What intervention apps say.
	{
		group: "app and web", scope: ScopeEmit, stream: StreamEvents, about: "Use of an app or a website.",
		types: "app.installed app.updated session.started session.ended screen.viewed module.started module.completed " +
			"exercise.completed goal.set prompt.sent prompt.delivered prompt.opened prompt.dismissed",
		attributes: []AttributeSpec{
			text("session_id", "the session it belongs to"),
			oneOf("ended_by", "what ended the session", "user", "timeout"),
			amount("active_seconds", "time of active use"),
			text("module", "id of the module"),
			percent("percent", "share done"),
		},
	}, {
		group: "listserv, board, group, shared document", scope: ScopeEmit, stream: StreamEvents, about: "Exchange in a group.",
		types: "group.joined group.left post.created reply.created reaction.added thread.viewed digest.sent content.flagged content.moderated",
		attributes: []AttributeSpec{
			text("thread", "id of the thread"),
			oneOf("length_bucket", "length of what was written", "short", "medium", "long"),
			amount("view_seconds", "time of viewing"),
		},
	}, {
		group: "text and e-mail", scope: ScopeEmit, stream: StreamEvents, about: "Messages, never their text.",
		types: "message.sent message.delivered message.failed message.replied email.opened email.link_clicked",
		attributes: []AttributeSpec{
			oneOf("direction", "who writes", "to_participant", "from_participant"),
			flag("automated", "whether a program wrote it"),
			amount("response_seconds", "time from the message to its answer"),
		},
	}, {
		group: "telephone, video call", scope: ScopeEmit, stream: StreamEvents, about: "Calls.",
		types: "call.scheduled call.attempted call.connected call.ended call.missed call.cancelled",
		attributes: []AttributeSpec{
			text("call_id", "the call it belongs to"),
			amount("connected_seconds", "time connected"),
			flag("both_present", "whether both sides were there"),
			text("cancelled_by", "who cancelled", "participant", "peer", "clinician", "staff", "system"),
			count("session_number", "number of the session in the programme"),
		},
	}, {
		group: "peer contact", scope: ScopeEmit, stream: StreamEvents, about: "Peer support, on any channel.",
		types: "peer.assigned peer.changed peer_contact.completed fidelity.rated supervision.held",
		attributes: []AttributeSpec{
			pseudonym("peer", "pseudonym of the peer"),
			oneOf("mode", "channel of the contact", channelNames()...),
			amount("minutes", "length of the contact"),
			flag("two_way", "whether both took part"),
			number("score", "rating"),
		},
	}, {
		group: "recorded video", scope: ScopeEmit, stream: StreamEvents, about: "Recorded videos.",
		types: "video.started video.paused video.progressed video.completed",
		attributes: []AttributeSpec{
			text("video", "id of the video"),
			percent("unique_percent", "share seen, each part once"),
			flag("with_worker", "whether a worker was there"),
		},
	}, {
		group: "tracker", scope: ScopeEmit, stream: StreamEvents, about: "Fitness trackers.",
		types: "tracker.linked tracker.synced tracker.unlinked wear_day.recorded",
		attributes: []AttributeSpec{
			amount("minutes_worn", "time worn"),
			count("steps", "steps taken"),
			instant("covered_from", "begin of what the record covers"),
			notBefore("covered_from", instant("covered_to", "end of what the record covers")),
		},
	}, {
		group: "kiosk and in person", scope: ScopeEmit, stream: StreamEvents, about: "Visits.",
		types: "kiosk.visit_started kiosk.visit_ended visit.attended visit.no_show tablet.handed_over",
		attributes: []AttributeSpec{
			text("module", "id of the module"),
			text("location_type", "kind of place, never which", "clinic", "home", "community"),
			count("group_size", "people there"),
		},
	}, {
		group: "measures", scope: ScopeEmit, stream: StreamEvents, about: "Questionnaires and other outcome measures.",
		types: "measure.due measure.started measure.submitted measure.expired",
		attributes: []AttributeSpec{
			required(text("instrument", "id of the instrument")),
			label("instrument_version", "version of the instrument"),
			required(text("timepoint", "id of the timepoint")),
			number("score", "score of the instrument"),
			oneOf("domain", "what is measured", "psychiatric_symptoms", "hope", "empowerment", "quality_of_life",
				"self_management", "recovery", "social_support", "physical_health", "other"),
			oneOf("outcome_kind", "kind of outcome", "biomedical", "psychosocial"),
		},
	}, {
		group: "cognitive training", types: "training.session_completed", scope: ScopeEmit, stream: StreamEvents,
		about: "A session of cognitive training.",
		attributes: []AttributeSpec{
			also(KindString, count("tasks", "how many tasks were done, or the name of the one")),
			amount("minutes", "length of the session"),
			flag("peer_present", "whether a peer was there"),
		},
	}, {
		group: "safety and faults", scope: ScopeEmit, stream: StreamEvents, about: "Harm, risk and faults.",
		types: "adverse_event.reported risk.flagged technical_fault.reported technical_fault.resolved",
		attributes: []AttributeSpec{
			text("severity", "how grave", "mild", "moderate", "severe"),
			flag("blocks_use", "whether the intervention cannot be used"),
			name("component", "id of the component at fault"),
		},
	},
}

// The makers of attributes, by what they hold.

func text(name, about string, suggested ...string) AttributeSpec {
	return AttributeSpec{Name: name, Kind: KindString, Suggested: suggested, Description: about}
}

// label is a text that some write as a number.
func label(name, about string) AttributeSpec { return also(KindNumber, text(name, about)) }

func oneOf(name, about string, values ...string) AttributeSpec {
	return AttributeSpec{Name: name, Kind: KindString, Values: values, Description: about}
}

func form(f Format, name, about string) AttributeSpec {
	return AttributeSpec{Name: name, Kind: KindString, Format: f, Description: about}
}

func name(name, about string) AttributeSpec { return form(FormatName, name, about) }

func pseudonym(name, about string) AttributeSpec { return form(FormatPseudonym, name, about) }

func instant(name, about string) AttributeSpec {
	spec := form(FormatTime, name, about)
	spec.code = CodeInvalidTime
	return spec
}

func reason(suggested ...string) AttributeSpec {
	spec := form(FormatCode, "reason", "why, as a code")
	spec.Suggested = suggested
	return spec
}

func number(name, about string) AttributeSpec {
	return AttributeSpec{Name: name, Kind: KindNumber, Min: -maxNumber, Max: maxNumber, Description: about}
}

func amount(name, about string) AttributeSpec {
	spec := number(name, about)
	spec.Min = 0
	return spec
}

func percent(name, about string) AttributeSpec {
	spec := amount(name, about)
	spec.Max = 100
	return spec
}

func count(name, about string) AttributeSpec {
	spec := amount(name, about)
	spec.Whole = true
	return spec
}

func flag(name, about string) AttributeSpec {
	return AttributeSpec{Name: name, Kind: KindBool, Description: about}
}

func textMap(name, about string) AttributeSpec {
	return AttributeSpec{Name: name, Kind: KindMap, Description: about}
}

func object(name, about string) AttributeSpec {
	return AttributeSpec{Name: name, Kind: KindObject, Description: about}
}

func required(spec AttributeSpec) AttributeSpec {
	spec.Required = true
	return spec
}

func also(kind Kind, spec AttributeSpec) AttributeSpec {
	spec.Also = kind
	if kind == KindNumber {
		spec.Min, spec.Max = 0, maxNumber
	}
	return spec
}

func notBefore(other string, spec AttributeSpec) AttributeSpec {
	spec.NotBefore = other
	return spec
}

func channelNames() []string { return namesOf(Channels()) }

func namesOf[T ~string](values []T) []string {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	return names
}
