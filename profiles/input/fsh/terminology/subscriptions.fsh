CodeSystem: SubscriptionChannel
Id: subscription-channel
Title: "Kanalen van abonnementen"
Description: "Wat R4 niet als kanaal heeft."
* insert Translated([[Channels of subscriptions]], [[What R4 does not have as a channel.]])
* insert Complete
* insert Concept([[list]], [[Berichtenlijst]], [[Message list]], [[Er wordt niets verstuurd: de gebeurtenissen worden opgehaald met $events.]])
