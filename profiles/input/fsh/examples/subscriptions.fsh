Instance: voorbeeld-abonnement
InstanceOf: OwnSubscription
Usage: #example
Title: "Bericht over eigen taken"
Description: "De thuiszorg hoort van haar taken. The home care organisation is told of its tasks."
* extension[subscriber].valueReference = Reference(voorbeeld-thuiszorg)
* status = #active
* reason = "Nieuwe en gewijzigde taken volgen"
* criteria = "Task?owner=Organization/voorbeeld-thuiszorg"
* channel.type = #rest-hook
* channel.endpoint = "https://thuiszorg.example/notified"
* channel.payload = #application/fhir+json
