Instance: voorbeeld-praktijkdoel
InstanceOf: DevelopmentGoal
Usage: #example
Title: "Een doel van de praktijk"
Description: "Over de praktijk, nooit over een patiënt. About the practice, never about a patient."
* lifecycleStatus = #active
* description.text = "Voor de zomer heeft iedereen met complexe zorg een gesprek gehad over wat voor hen telt."
* subject = Reference(voorbeeld-praktijk)
* startDate = "2026-01-15"
* target.dueDate = "2026-06-30"

Instance: voorbeeld-praktijktaak
InstanceOf: DevelopmentTask
Usage: #example
Title: "Een taak van de praktijk"
Description: "Van wie er werkt, voor wie er werkt. From who works there, for who works there."
* status = #in-progress
* intent = #order
* code = TaskCode#verbeterplan "Verbeterplan van de praktijk"
* description = "Elke week een uur vrijhouden voor gesprekken."
* focus = Reference(voorbeeld-praktijkdoel)
* for = Reference(voorbeeld-praktijk)
* authoredOn = "2026-01-15T09:00:00+01:00"
* requester = Reference(voorbeeld-rol-huisarts)
* owner = Reference(voorbeeld-rol-poh)
* restriction.period.end = "2026-02-15"

Instance: voorbeeld-correctie
InstanceOf: RecordRightTask
Usage: #example
Title: "Een verzoek om correctie"
Description: "Wat de patiënt vraagt van wie het opschreef. What the patient asks of who wrote it."
* status = #requested
* intent = #order
* code = TaskCode#correctie "Correctie"
* description = "Dit probleem is al een jaar over."
* focus = Reference(voorbeeld-probleem)
* for = Reference(voorbeeld-patient)
* authoredOn = "2026-03-10T10:00:00+01:00"
* requester = Reference(voorbeeld-patient)
* owner = Reference(voorbeeld-praktijk)
* restriction.period.end = "2026-04-10"
