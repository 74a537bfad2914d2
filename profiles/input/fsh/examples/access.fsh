RuleSet: Privacy
* status = #active
* scope = $consentscope#patient-privacy "Privacy Consent"
* category.coding[0] = $loinc#59284-0 "Patient Consent"
* patient = Reference(voorbeeld-patient)
* performer = Reference(voorbeeld-patient)
* organization = Reference(voorbeeld-praktijk)
* policy.uri = "https://wetten.overheid.nl/BWBR0023864"
* provision.actor.role = $v3-ParticipationType#IRCP "information recipient"

Instance: voorbeeld-inzage
InstanceOf: CareGiverGrant
Usage: #example
Title: "Inzage voor de dochter"
Description: "Plan, doelen en taken lezen, metingen toevoegen. Read plan, goals and tasks, add measurements."
* insert Privacy
* category.coding[1] = ConsentKind#mantelzorg "Inzage voor een naaste"
* dateTime = "2026-02-03T10:00:00+01:00"
* provision.type = #permit
* provision.period.start = "2026-02-03"
* provision.period.end = "2027-02-03"
* provision.actor.reference = Reference(voorbeeld-dochter)
* provision.action[0] = $consentaction#access
* provision.action[1] = $consentaction#collect
* provision.class[0] = $resource-types#CarePlan
* provision.class[1] = $resource-types#Goal
* provision.class[2] = $resource-types#Task

Instance: voorbeeld-deelname
InstanceOf: TeamConsent
Usage: #example
Title: "De wijkverpleging mag meedoen"
Description: "Gehoord door de praktijkondersteuner. Heard by the practice nurse."
* insert Privacy
* category.coding[1] = ConsentKind#deelname "Meedoen in het plan"
* dateTime = "2026-02-09T14:30:00+01:00"
* verification.verified = true
* verification.verifiedWith = Reference(voorbeeld-patient)
* verification.verificationDate = "2026-02-09T14:30:00+01:00"
* provision.type = #permit
* provision.period.start = "2026-02-09"
* provision.actor.reference = Reference(voorbeeld-thuiszorg)

Instance: voorbeeld-deelname-wachtrij
InstanceOf: TeamConsent
Usage: #example
Title: "Wie de taak uit de wachtrij aanneemt mag meedoen"
Description: "De wachtrij staat in de extensie. The queue is in the extension."
* insert Privacy
* category.coding[1] = ConsentKind#deelname "Meedoen in het plan"
* dateTime = "2026-02-09T14:30:00+01:00"
* provision.type = #permit
* provision.actor.reference.extension[queue].valueReference = Reference(voorbeeld-dienst)
* provision.actor.reference.display = "Spoedzorg buiten kantooruren"

Instance: voorbeeld-blokkade
InstanceOf: ConsentBlock
Usage: #example
Title: "Een blokkade"
Description: "De welzijnsorganisatie ziet niets meer. The welfare organisation sees nothing any more."
* insert Privacy
* category.coding[1] = ConsentKind#blokkade "Blokkade"
* dateTime = "2026-05-01T09:00:00+02:00"
* provision.type = #deny
* provision.period.start = "2026-05-01"
* provision.actor.reference = Reference(voorbeeld-welzijn)

Instance: voorbeeld-vertegenwoordiging
InstanceOf: RepresentationConsent
Usage: #example
Title: "Vertegenwoordiging door de dochter"
Description: "Vastgelegd door de huisarts, voor een jaar. Recorded by the general practitioner, for a year."
* status = #active
* scope = $consentscope#patient-privacy "Privacy Consent"
* category.coding[0] = $loinc#59284-0 "Patient Consent"
* category.coding[1] = ConsentKind#vertegenwoordiging "Vertegenwoordiging"
* patient = Reference(voorbeeld-patient)
* dateTime = "2026-04-01T10:00:00+02:00"
* performer = Reference(voorbeeld-rol-huisarts)
* organization = Reference(voorbeeld-praktijk)
* policy.uri = "https://wetten.overheid.nl/BWBR0005290"
* provision.type = #permit
* provision.period.start = "2026-04-01"
* provision.period.end = "2027-03-31"
* provision.actor.role.coding[0] = $v3-RoleCode#RESPRSN "responsible party"
* provision.actor.role.coding[1] = $sct#310391000146105
* provision.actor.reference = Reference(voorbeeld-dochter)
* provision.action[0] = $consentaction#access
* provision.action[1] = $consentaction#correct
* verification.verified = true
* verification.verificationDate = "2026-04-01T10:00:00+02:00"

Instance: voorbeeld-noodinzage
InstanceOf: BreakGlassRecord
Usage: #example
Title: "Een huisarts van de post opent het plan in nood"
Description: "Zestig minuten, alleen lezen. Sixty minutes, read-only."
* extension[authorisation].valueBoolean = true
* extension[treatmentRelation].valueBoolean = false
* extension[consent].valueBoolean = false
* extension[emergency].valueBoolean = true
* type = http://terminology.hl7.org/CodeSystem/audit-event-type#rest "RESTful Operation"
* action = #E
* period.start = "2026-03-07T02:10:00+01:00"
* period.end = "2026-03-07T03:10:00+01:00"
* recorded = "2026-03-07T02:10:00+01:00"
* outcome = #0
* purposeOfEvent[breakGlass].coding[0] = $v3-ActReason#BTG
* purposeOfEvent[breakGlass].coding[1] = AccessReason#niet-aanspreekbaar "Niet aanspreekbaar"
* purposeOfEvent[breakGlass].text = "Gevallen, niet aanspreekbaar, buurvrouw weet van niets."
* agent.who = Reference(voorbeeld-huisarts)
* agent.requestor = true
* source.observer.display = "fhirhub"
* entity.what = Reference(voorbeeld-patient)

Instance: voorbeeld-logregel
InstanceOf: HubAuditEvent
Usage: #example
Title: "De huisarts bekeek het plan"
Description: "Een regel van het logboek. A line of the log."
* extension[authorisation].valueBoolean = true
* extension[treatmentRelation].valueBoolean = true
* extension[consent].valueBoolean = true
* extension[emergency].valueBoolean = false
* type = http://terminology.hl7.org/CodeSystem/audit-event-type#rest "RESTful Operation"
* subtype = http://hl7.org/fhir/restful-interaction#read
* action = #R
* recorded = "2026-03-03T12:58:00+01:00"
* outcome = #0
* agent[0].who = Reference(voorbeeld-huisarts)
* agent[=].role = CareRole#huisarts "Huisarts"
* insert AllowedBy(agent[=], practice)
* agent[=].requestor = true
* agent[+].who = Reference(voorbeeld-praktijk)
* agent[=].requestor = false
* source.site = "default"
* source.observer.display = "fhirhub"
* entity[0].what = Reference(voorbeeld-patient)
* entity[=].type = http://terminology.hl7.org/CodeSystem/audit-entity-type#1 "Person"
* entity[=].role = http://terminology.hl7.org/CodeSystem/object-role#1 "Patient"
* entity[+].what = Reference(voorbeeld-plan)
* entity[=].type = http://terminology.hl7.org/CodeSystem/audit-entity-type#2 "System Object"
* entity[=].role = http://terminology.hl7.org/CodeSystem/object-role#4 "Domain Resource"
