package event

import "slices"

// Channel is a way by which an intervention reaches its participants.
type Channel string

// The channels.
const (
	ChannelApp            Channel = "app"
	ChannelWeb            Channel = "web"
	ChannelListserv       Channel = "listserv"
	ChannelBulletinBoard  Channel = "bulletin_board"
	ChannelSocialNetwork  Channel = "social_network"
	ChannelSharedDocument Channel = "shared_document"
	ChannelTextMessage    Channel = "text_message"
	ChannelEmail          Channel = "email"
	ChannelPhoneCall      Channel = "phone_call"
	ChannelVideoCall      Channel = "video_call"
	ChannelVideo          Channel = "video"
	ChannelFitnessTracker Channel = "fitness_tracker"
	ChannelKiosk          Channel = "kiosk"
	ChannelTablet         Channel = "tablet"
	ChannelInPerson       Channel = "in_person"
)

// Channels returns every channel, in the order of the vocabulary.
func Channels() []Channel {
	return []Channel{
		ChannelApp, ChannelWeb, ChannelListserv, ChannelBulletinBoard, ChannelSocialNetwork, ChannelSharedDocument,
		ChannelTextMessage, ChannelEmail, ChannelPhoneCall, ChannelVideoCall, ChannelVideo, ChannelFitnessTracker,
		ChannelKiosk, ChannelTablet, ChannelInPerson,
	}
}

// Valid reports whether c is one of [Channels].
func (c Channel) Valid() bool { return slices.Contains(Channels(), c) }

// Portion returns the portion of the intervention that a component on this channel belongs to unless its definition
// says otherwise.
func (c Channel) Portion() Portion {
	if c == ChannelInPerson {
		return PortionInPerson
	}
	return PortionTechnology
}

// Portion is the in-person or the technology part of an intervention; [PortionAll] is both.
type Portion string

// The portions.
const (
	PortionAll        Portion = "all"
	PortionTechnology Portion = "technology"
	PortionInPerson   Portion = "in_person"
)

// DeliveryType is how peer support is delivered in an arm or component.
type DeliveryType string

// The delivery types.
const (
	DeliveryPeerToPeer    DeliveryType = "peer_to_peer_network"
	DeliveryPeerDelivered DeliveryType = "peer_delivered_technology"
	DeliverySynchronous   DeliveryType = "synchronous"
	DeliveryAsynchronous  DeliveryType = "asynchronous"
	DeliveryNone          DeliveryType = "none"
)

// DeliveryTypes returns every delivery type, in the order of the vocabulary.
func DeliveryTypes() []DeliveryType {
	return []DeliveryType{DeliveryPeerToPeer, DeliveryPeerDelivered, DeliverySynchronous, DeliveryAsynchronous, DeliveryNone}
}

// Valid reports whether d is one of [DeliveryTypes].
func (d DeliveryType) Valid() bool { return slices.Contains(DeliveryTypes(), d) }

// ActorRole is who did what an event tells.
type ActorRole string

// The actor roles.
const (
	RoleParticipant ActorRole = "participant"
	RolePeer        ActorRole = "peer"
	RoleClinician   ActorRole = "clinician"
	RoleStaff       ActorRole = "staff"
	RoleSystem      ActorRole = "system"
)

// ActorRoles returns every actor role.
func ActorRoles() []ActorRole {
	return []ActorRole{RoleParticipant, RolePeer, RoleClinician, RoleStaff, RoleSystem}
}

// Modality is how an event came to be recorded.
type Modality string

// The modalities.
const (
	ModalitySelfReported  Modality = "self-reported"
	ModalitySensed        Modality = "sensed"
	ModalityStaffRecorded Modality = "staff-recorded"
	ModalityImported      Modality = "imported"
	ModalityDerived       Modality = "derived"
)

// Modalities returns every modality.
func Modalities() []Modality {
	return []Modality{ModalitySelfReported, ModalitySensed, ModalityStaffRecorded, ModalityImported, ModalityDerived}
}

// Scope is what a credential may do.
type Scope string

// The scopes.
const (
	ScopeEmit     Scope = "emit"     // usage events
	ScopeRegister Scope = "register" // registry events
	ScopeAllocate Scope = "allocate" // randomisation, and voiding or correcting one
	ScopeRead     Scope = "read"     // results
	ScopeFunder   Scope = "funder"   // released aggregates
	ScopeAdmin    Scope = "admin"    // definitions, unblinding, tokens, erasure
)

// Scopes returns every scope.
func Scopes() []Scope {
	return []Scope{ScopeEmit, ScopeRegister, ScopeAllocate, ScopeRead, ScopeFunder, ScopeAdmin}
}
