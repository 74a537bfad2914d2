// The people and organisations of the examples; all invented, with identifiers of test ranges.

Instance: voorbeeld-patient
InstanceOf: Patient
Usage: #example
Title: "Mevrouw Voorbeeld"
Description: "De patiënt van de voorbeelden. The patient of the examples."
* identifier.system = $bsn
* identifier.value = "999000007"
* active = true
* name.use = #official
* name.text = "Anna Voorbeeldstra"
* name.family = "Voorbeeldstra"
* name.given = "Anna"
* name.given.extension.url = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier"
* name.given.extension.valueCode = #BR
* telecom.system = #phone
* telecom.value = "+31600000001"
* gender = #female
* birthDate = "1941-03-12"
* address.use = #home
* address.line = "Proeflaan 12"
* address.city = "Voorbeeldstad"
* address.postalCode = "1234 BC"
* address.country = "NL"
* generalPractitioner = Reference(voorbeeld-praktijk)

Instance: voorbeeld-dochter
InstanceOf: RelatedPerson
Usage: #example
Title: "Dochter van mevrouw Voorbeeld"
Description: "De mantelzorger. The informal carer."
* active = true
* patient = Reference(voorbeeld-patient)
* relationship = $sct#407542009
* relationship.text = "Mantelzorger, dochter"
* name.text = "Marga Voorbeeldstra"
* telecom.system = #phone
* telecom.value = "+31611000001"

Instance: voorbeeld-praktijk
InstanceOf: Organization
Usage: #example
Title: "Huisartsenpraktijk"
Description: "De praktijk waar de patiënt is ingeschreven. The practice where the patient is registered."
* identifier.system = $ura
* identifier.value = "90090100"
* active = true
* type = $organization-type#Z3
* name = "Huisartsenpraktijk Proeflaan"

Instance: voorbeeld-thuiszorg
InstanceOf: Organization
Usage: #example
Title: "Wijkverpleging"
Description: "De organisatie van de wijkverpleging. The district nursing organisation."
* identifier.system = $ura
* identifier.value = "90091000"
* active = true
* type = $organization-type#T2
* name = "Wijkverpleging Testerveen"

Instance: voorbeeld-welzijn
InstanceOf: Organization
Usage: #example
Title: "Welzijnsorganisatie"
Description: "Zonder URA; ziet alleen de eigen taken. Without URA; sees its own tasks alone."
* active = true
* type.text = "Welzijnswerk"
* name = "Stichting Welzijn Voorbeeldstad"

Instance: voorbeeld-huisartsenpost
InstanceOf: Organization
Usage: #example
Title: "Huisartsenpost"
Description: "De post voor avond, nacht en weekend. The out-of-hours post."
* identifier.system = $ura
* identifier.value = "90090003"
* active = true
* type = $organization-type#N6
* name = "Huisartsenpost Demoregio"

Instance: voorbeeld-dienst
InstanceOf: HealthcareService
Usage: #example
Title: "De dienst van de post"
Description: "De uren waarin de post waarneemt. The hours in which the post covers."
* active = true
* providedBy = Reference(voorbeeld-huisartsenpost)
* name = "Spoedzorg buiten kantooruren"
* availableTime.daysOfWeek[0] = #sat
* availableTime.daysOfWeek[1] = #sun
* availableTime.allDay = true

Instance: voorbeeld-huisarts
InstanceOf: Practitioner
Usage: #example
Title: "Huisarts"
Description: "De huisarts. The general practitioner."
* identifier.system = $big
* identifier.value = "99900000001"
* active = true
* name.text = "Kees Proefman"
* name.family = "Proefman"

Instance: voorbeeld-rol-huisarts
InstanceOf: PractitionerRole
Usage: #example
Title: "De huisarts in de praktijk"
Description: "Met de rol van de hub en de landelijke rolcode ernaast. With the hub's role and the national role code beside it."
* active = true
* practitioner = Reference(voorbeeld-huisarts)
* organization = Reference(voorbeeld-praktijk)
* code.coding[0] = $uzi#01.015 "Huisarts"
* code.coding[1] = CareRole#huisarts "Huisarts"

Instance: voorbeeld-poh
InstanceOf: Practitioner
Usage: #example
Title: "Praktijkondersteuner"
Description: "De praktijkondersteuner. The practice nurse."
* active = true
* name.text = "Thea Oefenberg"
* name.family = "Oefenberg"

Instance: voorbeeld-rol-poh
InstanceOf: PractitionerRole
Usage: #example
Title: "De praktijkondersteuner in de praktijk"
Description: "Alleen met de rol van de hub: een landelijke code is er niet. With the hub's role alone: there is no national code."
* active = true
* practitioner = Reference(voorbeeld-poh)
* organization = Reference(voorbeeld-praktijk)
* code = CareRole#poh "Praktijkondersteuner huisarts"

Instance: voorbeeld-probleem
InstanceOf: Condition
Usage: #example
Title: "Hartfalen"
Description: "Een probleem van de patiënt. A problem of the patient."
* clinicalStatus = http://terminology.hl7.org/CodeSystem/condition-clinical#active
* verificationStatus.coding[0] = http://terminology.hl7.org/CodeSystem/condition-ver-status#confirmed
* verificationStatus.coding[1] = $sct#410605003
* category = http://terminology.hl7.org/CodeSystem/condition-category#problem-list-item
* code = $icpc#K77 "Decompensatio cordis"
* subject = Reference(voorbeeld-patient)
