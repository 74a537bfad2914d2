Profile: OwnSubscription
Parent: Subscription
Id: OwnSubscription
Title: "Abonnement"
Description: "Een abonnement zoals de hub het bewaart: het zegt voor wie het is. Wie het maakt, laat dat weg; de hub vult het in."
* insert English([[Subscription]], [[A Subscription as the hub keeps it: it says whom it is for. Who makes it leaves that out; the hub fills it in.]])
* extension contains Subscriber named subscriber 1..1 MS
* status MS
* criteria MS
* channel MS
