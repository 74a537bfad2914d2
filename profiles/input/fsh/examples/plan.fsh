Instance: voorbeeld-plan
InstanceOf: SharedCarePlan
Usage: #example
Title: "Zorgplan van mevrouw Voorbeeld"
Description: "Een plan met een doel, een activiteit en taken. A plan with a goal, an activity and tasks."
* status = #active
* category[shared] = $sct#135411000146103
* category[shared].text = "Gezamenlijk zorgplan"
* title = "Zorgplan van Anna Voorbeeldstra"
* subject = Reference(voorbeeld-patient)
* period.start = "2026-02-02"
* created = "2026-02-02"
* author = Reference(voorbeeld-rol-poh)
* careTeam = Reference(voorbeeld-team)
* addresses = Reference(voorbeeld-probleem)
* goal[0] = Reference(voorbeeld-doel)
* activity[0].detail.extension[dimension].valueCodeableConcept = PositiveHealthDimension#lichaamsfuncties "Lichaamsfuncties"
* activity[0].detail.code.text = "Lopen oefenen"
* activity[0].detail.goal = Reference(voorbeeld-doel)
* activity[0].detail.status = #in-progress
* activity[0].detail.scheduledTiming.repeat.frequency = 2
* activity[0].detail.scheduledTiming.repeat.period = 1
* activity[0].detail.scheduledTiming.repeat.periodUnit = #wk
* activity[0].detail.performer = Reference(voorbeeld-patient)
* activity[0].detail.description = "Tweemaal per week oefenen met lopen, elke week een stukje verder."
* activity[1].reference = Reference(voorbeeld-taak)
* activity[2].reference = Reference(voorbeeld-verwijstaak)
* activity[3].detail.extension[part].extension[code].valueCodeableConcept = PlanActivity#bloeddruk "Bloeddruk"
* activity[3].detail.extension[part].extension[months].valuePositiveInt = 12
* activity[3].detail.extension[part].extension[programme][0].valueCanonical = Canonical(hart-en-vaatrisico|0.1.0)
* activity[3].detail.extension[part].extension[programme][1].valueCanonical = Canonical(kwetsbare-ouderen|0.1.0)
* activity[3].detail.extension[toDecide].valueString = "Jaarcontrole: wie doet het bezoek?"
* activity[3].detail.instantiatesCanonical[0] = Canonical(hart-en-vaatrisico|0.1.0)
* activity[3].detail.instantiatesCanonical[1] = Canonical(kwetsbare-ouderen|0.1.0)
* activity[3].detail.code = PlanActivity#jaarcontrole "Jaarcontrole"
* activity[3].detail.code.text = "Jaarcontrole"
* activity[3].detail.status = #not-started
* activity[3].detail.scheduledTiming.event = "2026-09-01"
* activity[3].detail.scheduledTiming.repeat.boundsPeriod.start = "2026-09-01"
* activity[3].detail.scheduledTiming.repeat.frequency = 1
* activity[3].detail.scheduledTiming.repeat.period = 12
* activity[3].detail.scheduledTiming.repeat.periodUnit = #mo
* activity[3].detail.performer.display = "Praktijkondersteuner huisarts"

Instance: voorbeeld-plan-opgegaan
InstanceOf: SharedCarePlan
Usage: #example
Title: "Een plan dat in een ander is opgegaan"
Description: "Met wat nodig is om dat ongedaan te maken. With what undoing it needs."
* extension[mergedInto].extension[plan].valueReference = Reference(voorbeeld-plan)
* extension[mergedInto].extension[before].valueId = "3"
* extension[mergedInto].extension[own].valueId = "2"
* extension[mergedInto].extension[task].valueReference = Reference(voorbeeld-taak)
* extension[mergedInto].extension[member].valueReference = Reference(voorbeeld-thuiszorg)
* extension[coordinator].valueCode = #none
* status = #completed
* category[shared] = $sct#135411000146103
* title = "Eerder zorgplan"
* subject = Reference(voorbeeld-patient)
* period.start = "2025-11-03"
* period.end = "2026-02-02"
* careTeam = Reference(voorbeeld-team)

Instance: voorbeeld-team
InstanceOf: SharedCareTeam
Usage: #example
Title: "Zorgteam van mevrouw Voorbeeld"
Description: "De patiënt, de coördinator, de huisarts en de wijkverpleging. The patient, the coordinator, the doctor and the district nurses."
* status = #active
* name = "Zorgteam van Anna Voorbeeldstra"
* subject = Reference(voorbeeld-patient)
* period.start = "2026-02-02"
* participant[0].role = $sct#116154003 "Patient"
* participant[0].member = Reference(voorbeeld-patient)
* participant[0].period.start = "2026-02-02"
* participant[1].role[0] = CareRole#poh "Praktijkondersteuner huisarts"
* participant[1].role[1] = TeamFunction#coordinator "Coördinator"
* participant[1].member = Reference(voorbeeld-rol-poh)
* participant[1].period.start = "2026-02-02"
* participant[2].role[0] = CareRole#huisarts "Huisarts"
* participant[2].role[1] = TeamFunction#regiebehandelaar "Regiebehandelaar"
* participant[2].member = Reference(voorbeeld-rol-huisarts)
* participant[2].period.start = "2026-02-02"
* participant[3].role = $sct#405623001
* participant[3].member = Reference(voorbeeld-thuiszorg)
* participant[3].period.start = "2026-02-10T09:30:00+01:00"
* managingOrganization = Reference(voorbeeld-praktijk)

Instance: voorbeeld-waarneming
InstanceOf: Cover
Usage: #example
Title: "De post neemt waar"
Description: "De huisartsenpost neemt waar voor de praktijk. The out-of-hours post covers for the practice."
* active = true
* period.start = "2025-01-01"
* organization = Reference(voorbeeld-praktijk)
* participatingOrganization = Reference(voorbeeld-huisartsenpost)
* code[cover] = AffiliationCode#waarneming "Waarneming"
* healthcareService = Reference(voorbeeld-dienst)

Instance: voorbeeld-doel
InstanceOf: DimensionGoal
Usage: #example
Title: "Weer naar de winkel"
Description: "Een doel in de woorden van de patiënt, aangenomen door haar en de praktijkondersteuner. A goal in the patient's words, accepted by her and the practice nurse."
* extension[acceptance].extension[individual].valueReference = Reference(voorbeeld-patient)
* extension[acceptance].extension[status].valueCode = #agree
* lifecycleStatus = #active
* achievementStatus = $goal-achievement#in-progress "In Progress"
* category[dimension] = PositiveHealthDimension#lichaamsfuncties "Lichaamsfuncties"
* priority = $goal-priority#high-priority "High Priority"
* description.text = "Ik wil weer zonder rusten naar de winkel kunnen lopen."
* subject = Reference(voorbeeld-patient)
* startDate = "2026-02-02"
* target.dueDate = "2026-06-01"
* expressedBy = Reference(voorbeeld-patient)
* addresses = Reference(voorbeeld-probleem)

Instance: voorbeeld-taak
InstanceOf: PlanTask
Usage: #example
Title: "Wijkverpleging gevraagd"
Description: "Aangenomen: de organisatie doet sindsdien mee. Accepted: the organisation has taken part since."
* basedOn = Reference(voorbeeld-plan)
* status = #accepted
* intent = #order
* priority = #routine
* code = TaskCode#wijkverpleging-aan-huis "Wijkverpleging aan huis"
* description = "Graag hulp bij de persoonlijke verzorging en het innemen van medicijnen."
* focus = Reference(voorbeeld-plan)
* for = Reference(voorbeeld-patient)
* executionPeriod.start = "2026-02-10T09:30:00+01:00"
* authoredOn = "2026-02-09T14:00:00+01:00"
* lastModified = "2026-02-10T09:30:00+01:00"
* requester = Reference(voorbeeld-rol-poh)
* owner = Reference(voorbeeld-thuiszorg)
* restriction.period.end = "2026-03-01"
* input[0].type = TaskPart#postcode4 "Postcode, vier cijfers"
* input[0].valueString = "1234"
* input[1].type = TaskPart#geboortejaar "Geboortejaar"
* input[1].valueInteger = 1941

Instance: voorbeeld-eerste-taak
InstanceOf: PlanTask
Usage: #example
Title: "Een taak die een plan begint"
Description: "Zonder basedOn, met het BSN alleen. Without basedOn, with the BSN alone."
* status = #requested
* intent = #order
* code = TaskCode#consult "Consult"
* for.type = "Patient"
* for.identifier.system = $bsn
* for.identifier.value = "999000007"
* authoredOn = "2026-02-02T10:00:00+01:00"
* requester = Reference(voorbeeld-rol-poh)
* owner = Reference(voorbeeld-thuiszorg)

Instance: voorbeeld-deeltaak
InstanceOf: PlanSubTask
Usage: #example
Title: "Eerst de vragenlijst"
Description: "De wijkverpleging vraagt de patiënt eerst een vragenlijst. The district nurses first ask the patient for a questionnaire."
* basedOn = Reference(voorbeeld-plan)
* partOf = Reference(voorbeeld-taak)
* status = #completed
* intent = #order
* code = TaskCode#vragenlijst "Vragenlijst invullen"
* for = Reference(voorbeeld-patient)
* authoredOn = "2026-02-09T16:00:00+01:00"
* requester = Reference(voorbeeld-thuiszorg)
* owner = Reference(voorbeeld-patient)
* input.type = TaskPart#vragenlijst "Vragenlijst"
* input.valueCanonical = Canonical(positieve-gezondheid-kort|0.1.0)
* output.type = TaskPart#antwoord "Antwoord"
* output.valueReference = Reference(voorbeeld-antwoorden)

Instance: voorbeeld-verwijzing
InstanceOf: ReferralRequest
Usage: #example
Title: "Verwijzing naar welzijn"
Description: "Het verzoek in het plan. The request in the plan."
* extension[dimension].valueCodeableConcept = PositiveHealthDimension#meedoen "Meedoen"
* basedOn = Reference(voorbeeld-plan)
* status = #active
* intent = #order
* code = TaskCode#welzijn-op-recept "Welzijn op recept"
* subject = Reference(voorbeeld-patient)
* authoredOn = "2026-02-16"
* requester = Reference(voorbeeld-rol-huisarts)
* performer = Reference(voorbeeld-welzijn)
* reasonCode.text = "Zoekt gezelschap en een dagbesteding in de buurt."

Instance: voorbeeld-verwijstaak
InstanceOf: ReferralTask
Usage: #example
Title: "Verwijstaak voor welzijn"
Description: "Wat de welzijnsorganisatie ziet, met de terugkoppeling. What the welfare organisation sees, with the feedback."
* extension[dimension].valueCodeableConcept = PositiveHealthDimension#meedoen "Meedoen"
* basedOn = Reference(voorbeeld-plan)
* status = #completed
* intent = #order
* code = TaskCode#welzijn-op-recept "Welzijn op recept"
* focus = Reference(voorbeeld-verwijzing)
* for = Reference(voorbeeld-patient)
* executionPeriod.start = "2026-02-20T10:00:00+01:00"
* executionPeriod.end = "2026-04-14T11:00:00+02:00"
* authoredOn = "2026-02-16T15:00:00+01:00"
* requester = Reference(voorbeeld-rol-huisarts)
* owner = Reference(voorbeeld-welzijn)
* input[0].type = TaskPart#vraag "Wat gevraagd wordt"
* input[0].valueString = "Zoekt gezelschap en een dagbesteding in de buurt; houdt van handwerken."
* input[1].type = TaskPart#postcode4 "Postcode, vier cijfers"
* input[1].valueString = "1234"
* output.type = TaskPart#terugkoppeling "Terugkoppeling"
* output.valueString = "Gaat elke dinsdag naar de handwerkgroep."

Instance: voorbeeld-bericht
InstanceOf: PlanMessage
Usage: #example
Title: "Bericht van de wijkverpleging"
Description: "Met een gewenste antwoordtijd en een leesbevestiging. With a wished answer time and a read receipt."
* extension[answerBy].valueDateTime = "2026-02-13T17:00:00+01:00"
* extension[read].extension[reader].valueReference = Reference(voorbeeld-rol-huisarts)
* extension[read].extension[time].valueInstant = "2026-02-12T12:05:00+01:00"
* basedOn = Reference(voorbeeld-plan)
* status = #completed
* subject = Reference(voorbeeld-patient)
* sent = "2026-02-12T11:40:00+01:00"
* sender = Reference(voorbeeld-thuiszorg)
* recipient = Reference(voorbeeld-rol-huisarts)
* payload.contentString = "De enkels zijn dikker dan vorige week en het gewicht is twee kilo hoger. Graag overleg."
