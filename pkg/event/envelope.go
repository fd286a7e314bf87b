package event

// The attributes of the envelope, as places in [envelope].
const (
	attrSpecVersion = iota
	attrID
	attrSource
	attrType
	attrDataSchema
	attrContentType
	attrSubject
	attrTime
	attrStudy
	attrSent
	attrTimezone
	attrComponent
	attrChannel
	attrActorRole
	attrModality
	attrAppVersion
	attrSDKVersion
	attrIsTest
	attrTraceParent
	attrTraceState
	attrData
	attrCount

	attrUnknown = -1
)

// envelope is what each attribute around the data may hold.
var envelope = [attrCount]AttributeSpec{
	attrSpecVersion: required(oneOf("specversion", "version of CloudEvents", "1.0")),
	attrID:          required(text("id", "unique within source")),
	attrSource:      required(form(FormatURI, "source", "URI reference of the emitter")),
	attrType:        required(text("type", "a name of the catalogue")),
	attrDataSchema:  text("dataschema", "urn:throughline:<type>:<version>; absent: version 1"),
	attrContentType: text("datacontenttype", "application/json; not stored"),
	attrSubject:     subjectSpec(),
	attrTime:        required(instant("time", "when it happened by the device's clock, with its offset")),
	attrStudy:       required(form(FormatStudy, "study", "study id")),
	attrSent:        instant("sent", "when the device sent it, by its clock"),
	attrTimezone:    form(FormatZone, "timezone", "IANA zone of the participant at the time of the event"),
	attrComponent:   name("component", "id of the intervention component"),
	attrChannel:     oneOf("channel", "way of contact; absent: the component's", channelNames()...),
	attrActorRole:   oneOf("actorrole", "who acted; absent: participant", namesOf(ActorRoles())...),
	attrModality:    oneOf("modality", "how it was recorded; absent: sensed", namesOf(Modalities())...),
	attrAppVersion:  form(FormatVersion, "appversion", "version of the app"),
	attrSDKVersion:  form(FormatVersion, "sdkversion", "version of the SDK"),
	attrIsTest:      flag("istest", "true marks test traffic: stored, never counted"),
	attrTraceParent: form(FormatOpaque, "traceparent", "trace context; not stored"),
	attrTraceState:  form(FormatOpaque, "tracestate", "trace context; not stored"),
	attrData:        object("data", "the attributes of the type"),
}

func subjectSpec() AttributeSpec {
	spec := pseudonym("subject", "the participant's pseudonym")
	spec.code = CodeInvalidSubject
	return spec
}

// envelopePlace returns the place of an attribute in [envelope], attrUnknown if it has none.
func envelopePlace(name string) int {
	switch name {
	case "specversion":
		return attrSpecVersion
	case "id":
		return attrID
	case "source":
		return attrSource
	case "type":
		return attrType
	case "dataschema":
		return attrDataSchema
	case "datacontenttype":
		return attrContentType
	case "subject":
		return attrSubject
	case "time":
		return attrTime
	case "study":
		return attrStudy
	case "sent":
		return attrSent
	case "timezone":
		return attrTimezone
	case "component":
		return attrComponent
	case "channel":
		return attrChannel
	case "actorrole":
		return attrActorRole
	case "modality":
		return attrModality
	case "appversion":
		return attrAppVersion
	case "sdkversion":
		return attrSDKVersion
	case "istest":
		return attrIsTest
	case "traceparent":
		return attrTraceParent
	case "tracestate":
		return attrTraceState
	case "data":
		return attrData
	}
	return attrUnknown
}

// replaceable reports whether a correction may replace the attribute of the envelope at a place.
func replaceable(place int) bool {
	return place == attrTime || attrSent <= place && place <= attrIsTest
}
