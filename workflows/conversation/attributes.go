package conversation

import "go.temporal.io/sdk/temporal"

// Search attributes. All are of low cardinality and hold nothing personal.
var (
	// Workspace is the workspace's UUID.
	Workspace = temporal.NewSearchAttributeKeyKeyword("Workspace")
	// Channel is the connector's name of the channel.
	Channel = temporal.NewSearchAttributeKeyKeyword("Channel")
	// Stage of a conversation is its owner: bot, human or case.
	Stage = temporal.NewSearchAttributeKeyKeyword("Stage")
)
