RuleSet: Told(name, code, display, text)
* section[{name}].title = "{display}"
* section[{name}].code = DocumentSection#{code} "{display}"
* section[{name}].text.status = #generated
* section[{name}].text.div = "<div xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"nl\" xml:lang=\"nl\"><p>{text}</p></div>"

RuleSet: Stated(name, code, display, text, date)
* insert Told({name}, {code}, [[{display}]], [[{text}]])
* section[{name}].extension[date].valueDateTime = "{date}"
* section[{name}].author = Reference(voorbeeld-rol-huisarts)

RuleSet: NotRecorded(name, code, display)
* insert Told({name}, {code}, [[{display}]], [[Niet vastgelegd.]])
* section[{name}].emptyReason = $list-empty-reason#unavailable "Unavailable"
* section[{name}].emptyReason.text = "Niet vastgelegd"

Instance: voorbeeld-overleg
InstanceOf: CareMeeting
Usage: #example
Title: "Multidisciplinair overleg"
Description: "Met de patiënt en haar dochter. With the patient and her daughter."
* status = #fulfilled
* serviceType[meeting] = DocumentType#mdo "Multidisciplinair overleg"
* description = "Overleg over het zorgplan"
* supportingInformation[0] = Reference(voorbeeld-plan)
* supportingInformation[1] = Reference(voorbeeld-agenda)
* start = "2026-03-03T13:00:00+01:00"
* end = "2026-03-03T13:45:00+01:00"
* participant[0].actor = Reference(voorbeeld-patient)
* participant[0].status = #accepted
* participant[1].actor = Reference(voorbeeld-dochter)
* participant[1].status = #accepted
* participant[2].actor = Reference(voorbeeld-rol-huisarts)
* participant[2].status = #accepted

Instance: voorbeeld-besluit
InstanceOf: MeetingDecision
Usage: #example
Title: "Vervanging in de vakantie"
Description: "Een besluit met eigenaar en datum. A decision with an owner and a date."
* basedOn = Reference(voorbeeld-plan)
* status = #accepted
* intent = #order
* code = TaskCode#mdo-besluit "Besluit van het overleg"
* description = "De wijkverpleging komt in de eerste twee weken van mei elke dag."
* for = Reference(voorbeeld-patient)
* authoredOn = "2026-03-03T13:40:00+01:00"
* requester = Reference(voorbeeld-rol-huisarts)
* owner = Reference(voorbeeld-thuiszorg)
* reasonReference = Reference(voorbeeld-overleg)
* restriction.period.end = "2026-05-01"

Instance: voorbeeld-verslag
InstanceOf: MeetingMinutes
Usage: #example
Title: "Verslag van het overleg"
Description: "Met het besluit als taak. With the decision as a task."
* status = #final
* type = DocumentType#mdo-verslag "Verslag van het overleg"
* subject = Reference(voorbeeld-patient)
* date = "2026-03-03"
* author = Reference(voorbeeld-rol-huisarts)
* title = "Verslag van het overleg van 3 maart"
* event.detail = Reference(voorbeeld-overleg)
* insert Told(present, aanwezig, [[Aanwezig]], [[Mevrouw Voorbeeldstra, haar dochter, de huisarts.]])
* insert Told(discussed, besproken, [[Besproken]], [[De vakantie van de dochter en het lopen naar de winkel.]])
* insert Told(decisions, besluiten, [[Besluiten]], [[De wijkverpleging komt in de eerste twee weken van mei elke dag.]])
* section[decisions].entry = Reference(voorbeeld-besluit)

Instance: voorbeeld-crisis
InstanceOf: CrisisSummary
Usage: #example
Title: "Crisissamenvatting"
Description: "Vaste onderdelen; wat niet is vastgelegd zegt dat. Fixed sections; what is not recorded says so."
* status = #final
* type = DocumentType#crisissamenvatting "Crisissamenvatting"
* subject = Reference(voorbeeld-patient)
* date = "2026-03-07T02:10:00+01:00"
* author = Reference(voorbeeld-praktijk)
* title = "Crisissamenvatting van Anna Voorbeeldstra"
* insert Stated(limits, behandelgrenzen, [[Behandelgrenzen]], [[Niet reanimeren. Wel opnemen als dat haar weer thuis kan brengen.]], 2026-02-20)
* insert NotRecorded(directives, wilsverklaringen, [[Wilsverklaringen]])
* insert Stated(contact, contact, [[Vertegenwoordiger en eerste contact]], [[Dochter Marga Voorbeeldstra: 06 11000001.]], 2026-02-03)
* insert Stated(problems, problemen, [[Problemen]], [[Hartfalen.]], 2026-02-02)
* section[problems].entry = Reference(voorbeeld-probleem)
* insert NotRecorded(allergies, allergieen, [[Allergieën]])
* insert Stated(medication, medicatie, [[Medicatie]], [[Furosemide 40 mg in de ochtend, volgens de apotheek op 1 februari.]], 2026-02-01)
* insert Stated(policy, crisisbeleid, [[Afgesproken beleid]], [[Bij benauwdheid: extra furosemide volgens het schema in de map, dan bellen.]], 2026-02-20)
* insert Stated(visits, wie-komt, [[Wie komt wanneer]], [[Wijkverpleging elke ochtend om half negen.]], 2026-03-01)
* insert Stated(entrance, toegang, [[Hoe kom ik binnen]], [[Sleutel bij de buren op nummer 14.]], 2026-02-10)
* insert Stated(coordinator, coordinator, [[Coördinator]], [[Thea Oefenberg, praktijkondersteuner.]], 2026-02-02)

Instance: voorbeeld-zorgplan-document
InstanceOf: PlanDocument
Usage: #example
Title: "Het plan als document"
Description: "Het begin van het document. The head of the document."
* status = #final
* type = DocumentType#zorgplan "Zorgplan"
* subject = Reference(voorbeeld-patient)
* date = "2026-03-04"
* author = Reference(voorbeeld-praktijk)
* title = "Zorgplan van Anna Voorbeeldstra"
* insert Told(wishes, wensen, [[Wat voor mij telt]], [[Thuis blijven wonen en onder de mensen komen.]])
* insert Told(goals, doelen, [[Doelen]], [[Weer zonder rusten naar de winkel kunnen lopen.]])
* section[goals].entry = Reference(voorbeeld-doel)
* insert Told(activities, afspraken, [[Afspraken]], [[Wijkverpleging: elke ochtend. Zelf: tweemaal per week oefenen.]])
* insert Told(team, team, [[Team]], [[Mevrouw zelf, de praktijkondersteuner, de huisarts, de wijkverpleging.]])
* section[team].entry = Reference(voorbeeld-team)

Instance: voorbeeld-overdracht
InstanceOf: NursingHandover
Usage: #example
Title: "Overdracht van de wijkverpleging"
Description: "Voor een tijdelijke opname. For a temporary admission."
* status = #final
* type = DocumentType#overdracht "Verpleegkundige overdracht"
* subject = Reference(voorbeeld-patient)
* date = "2026-03-08"
* author = Reference(voorbeeld-thuiszorg)
* title = "Overdracht van 8 maart"
* insert Told(given, zorg-gegeven, [[Gegeven zorg]], [[Hulp bij douchen en medicijnen, elke ochtend.]])
* insert Told(agreements, afspraken, [[Afspraken]], [[Dagelijks wegen.]])
* insert Told(risks, risicos, [[Risico's en aandachtspunten]], [[Valt snel bij opstaan; twee kilo erbij is reden om te bellen.]])

RuleSet: NoResuscitation(date)
* scope = http://terminology.hl7.org/CodeSystem/consentscope#adr
* category = http://terminology.hl7.org/CodeSystem/consentcategorycodes#acd
* patient = Reference(voorbeeld-patient)
* dateTime = {date}
* performer = Reference(voorbeeld-patient)
* policy.uri = "https://wetten.overheid.nl/BWBR0005290"
* provision.code = $sct#89666000 "Cardiopulmonary resuscitation"

Instance: voorbeeld-wilsverklaring
InstanceOf: TreatmentDirective
Usage: #example
Title: "Niet reanimeren"
Description: "Geldt sinds het laatste gesprek. Holds since the last conversation."
* status = #active
* insert NoResuscitation("2026-02-20")
* provision.type = #deny

Instance: voorbeeld-wilsverklaring-eerder
InstanceOf: TreatmentDirective
Usage: #example
Title: "Wel reanimeren"
Description: "Vervallen bij het laatste gesprek. Ended at the last conversation."
* extension[supersededBy].valueReference = Reference(voorbeeld-wilsverklaring)
* status = #inactive
* insert NoResuscitation("2024-05-01")
* provision.type = #permit

Instance: voorbeeld-behandelwensen
InstanceOf: TreatmentWishesTask
Usage: #example
Title: "Gesprek over behandelwensen"
Description: "Met wat nu geldt en wanneer het opnieuw gaat. With what holds now and when it is held again."
* basedOn = Reference(voorbeeld-plan)
* status = #completed
* intent = #order
* code = TaskCode#behandelwensen-gesprek "Gesprek over behandelwensen"
* description = "Bespreken wat mevrouw nog wil."
* for = Reference(voorbeeld-patient)
* authoredOn = "2026-02-12T10:00:00+01:00"
* requester = Reference(voorbeeld-rol-poh)
* owner = Reference(voorbeeld-rol-huisarts)
* output[0].type = TaskPart#wilsverklaring "Wilsverklaring"
* output[0].valueReference = Reference(voorbeeld-wilsverklaring)
* output[1].type = TaskPart#herzien-op "Herzien op"
* output[1].valueDate = "2027-02-20"
