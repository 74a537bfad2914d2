// What the hub and its clients must be able to do. What a running hub does, its own /fhir/metadata says.

RuleSet: Capable(id, name, mode, title, english, description, inEnglish)
* insert Defined(CapabilityStatement, {id}, {name})
* title = "{title}"
* insert InEnglish(title, [[{english}]])
* description = "{description}"
* insert InEnglish(description, [[{inEnglish}]])
* kind = #requirements
* fhirVersion = #4.0.1
* format[0] = #json
* rest.mode = #{mode}

RuleSet: Does(interaction, expectation)
* rest.resource[=].interaction[+].extension[0].url = $expectation
* rest.resource[=].interaction[=].extension[0].valueCode = #{expectation}
* rest.resource[=].interaction[=].code = #{interaction}

RuleSet: Handles(type, profile)
* rest.resource[+].type = #{type}
* rest.resource[=].supportedProfile = Canonical({profile})

RuleSet: HandlesToo(profile)
* rest.resource[=].supportedProfile[+] = Canonical({profile})

RuleSet: Reads
* insert Does(read, SHALL)
* insert Does(search-type, SHALL)

RuleSet: Writes
* insert Reads
* insert Does(create, SHALL)
* insert Does(update, SHALL)

RuleSet: Calls(name, definition)
* rest.resource[=].operation[+].name = "{name}"
* rest.resource[=].operation[=].definition = Canonical({definition})

Instance: hub
InstanceOf: CapabilityStatement
Usage: #definition
Title: "De hub"
Description: "Wat een hub voor gezamenlijke zorgplannen moet kunnen."
* insert Capable(hub, SharedCareHub, server, [[De hub]], [[The hub]], [[Wat een hub voor gezamenlijke zorgplannen moet kunnen.]], [[What a hub for shared care plans must be able to do.]])
* format[1] = #xml
* insert Handles(CarePlan, SharedCarePlan)
* insert Writes
* insert Does(vread, SHALL)
* insert Does(history-instance, SHALL)
* insert Calls(changes, CarePlan-changes)
* insert Calls(seen, CarePlan-seen)
* insert Calls(document, CarePlan-document)
* insert Calls(agenda, CarePlan-agenda)
* insert Calls(merge, CarePlan-merge)
* insert Handles(CareTeam, SharedCareTeam)
* insert Reads
* insert Handles(Goal, DimensionGoal)
* insert Writes
* insert Handles(Task, PlanTask)
* insert HandlesToo(PlanSubTask)
* insert HandlesToo(ReferralTask)
* insert HandlesToo(MeetingDecision)
* insert Writes
* insert Does(patch, SHALL)
* rest.resource[=].versioning = #versioned-update
* insert Handles(ServiceRequest, ReferralRequest)
* insert Writes
* insert Handles(Questionnaire, PositiveHealthQuestionnaire)
* insert Reads
* insert Handles(QuestionnaireResponse, PositiveHealthResponse)
* insert HandlesToo(CarerStrainResponse)
* insert Writes
* insert Handles(Observation, DimensionScore)
* insert HandlesToo(HomeMeasurement)
* insert HandlesToo(SegmentAssignment)
* insert Writes
* insert Handles(Consent, CareGiverGrant)
* insert HandlesToo(TeamConsent)
* insert HandlesToo(ConsentBlock)
* insert HandlesToo(RepresentationConsent)
* insert Writes
* insert Handles(Communication, PlanMessage)
* insert Writes
* insert Handles(Appointment, CareMeeting)
* insert Writes
* insert Handles(List, ConversationAgenda)
* insert Writes
* insert Handles(Composition, CrisisSummary)
* insert HandlesToo(PlanDocument)
* insert HandlesToo(MeetingMinutes)
* insert HandlesToo(NursingHandover)
* insert Writes
* insert Handles(AuditEvent, BreakGlassRecord)
* insert Reads
* insert Handles(OrganizationAffiliation, Cover)
* insert Reads
* rest.resource[+].type = #Patient
* insert Reads
* insert Calls(register, Patient-register)
* insert Calls(deregister, Patient-deregister)
* insert Calls(open-contact, Patient-open-contact)
* insert Calls(break-glass, Patient-break-glass)
* insert Calls(invite, Patient-invite)
* insert Calls(access-log, Patient-access-log)
* insert Calls(spider, Patient-spider)
* insert Calls(crisis-summary, Patient-crisis-summary)

Instance: his-client
InstanceOf: CapabilityStatement
Usage: #definition
Title: "Het systeem van een huisarts"
Description: "Wat een HIS of ander dossiersysteem met de hub doet."
* insert Capable(his-client, HisClient, client, [[Het systeem van een zorgverlener]], [[The system of a professional]], [[Wat een HIS of ander dossiersysteem met de hub doet: inschrijven, een plan beginnen met een taak, taken aannemen en afmaken, wijzigingen volgen.]], [[What a GP system or other record system does with the hub: register, start a plan by a task, accept and complete tasks, follow changes.]])
* insert Handles(CarePlan, SharedCarePlan)
* insert Reads
* insert Calls(changes, CarePlan-changes)
* insert Handles(CareTeam, SharedCareTeam)
* insert Reads
* insert Handles(Goal, DimensionGoal)
* insert Reads
* insert Does(create, SHOULD)
* insert Handles(Task, PlanTask)
* insert Writes
* rest.resource[=].documentation = "Met If-Match: wie een verouderde versie schrijft, krijgt 412."
* insert InEnglish(rest.resource[=].documentation, [[With If-Match: who writes a stale version gets 412.]])
* insert Handles(Observation, DimensionScore)
* insert HandlesToo(HomeMeasurement)
* insert Reads
* insert Handles(Consent, TeamConsent)
* insert Does(create, SHOULD)
* insert Handles(Communication, PlanMessage)
* insert Does(create, SHOULD)
* insert Reads
* rest.resource[+].type = #Patient
* insert Reads
* insert Calls(register, Patient-register)
* insert Calls(deregister, Patient-deregister)

Instance: pgo-app
InstanceOf: CapabilityStatement
Usage: #definition
Title: "Een app voor de patiënt"
Description: "Wat een PGO of andere app voor patiënt en naaste met de hub doet."
* insert Capable(pgo-app, PgoApp, client, [[Een app voor de patiënt]], [[An app for the patient]], [[Wat een PGO of andere app voor patiënt en naaste met de hub doet: het plan en wie er keek lezen, doelen voorstellen en aannemen, vragenlijsten invullen, meten, toestemming geven en intrekken.]], [[What a personal health app does with the hub for patient and relative: read the plan and who looked, propose and accept goals, fill in questionnaires, measure, give and withdraw consent.]])
* insert Handles(CarePlan, SharedCarePlan)
* insert Reads
* insert Calls(changes, CarePlan-changes)
* insert Calls(seen, CarePlan-seen)
* insert Handles(CareTeam, SharedCareTeam)
* insert Reads
* insert Handles(Goal, DimensionGoal)
* insert Writes
* insert Handles(Task, PlanTask)
* insert Reads
* insert Does(update, SHALL)
* insert Handles(Questionnaire, PositiveHealthQuestionnaire)
* insert Reads
* insert Handles(QuestionnaireResponse, PositiveHealthResponse)
* insert Writes
* insert Handles(Observation, HomeMeasurement)
* insert Does(create, SHALL)
* insert Reads
* insert Handles(Consent, CareGiverGrant)
* insert HandlesToo(TeamConsent)
* insert HandlesToo(ConsentBlock)
* insert Writes
* insert Handles(List, ConversationAgenda)
* insert Writes
* rest.resource[+].type = #Patient
* insert Reads
* insert Calls(access-log, Patient-access-log)
* insert Calls(spider, Patient-spider)
* insert Calls(invite, Patient-invite)
