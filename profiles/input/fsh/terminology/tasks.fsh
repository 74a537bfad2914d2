CodeSystem: TaskCode
Id: task
Title: "Soorten taken"
Description: "Wat de een aan de ander vraagt in een gezamenlijk plan, en wat de hub zelf vraagt wanneer een regel dat wil."
* insert Translated([[Kinds of tasks]], [[What one asks of another in a shared plan, and what the hub itself asks where a rule wants it.]])
* insert Complete
* ^hierarchyMeaning = #is-a
* insert Concept([[zorgvraag]], [[Zorgvraag]], [[Request for care]], [[De ene zorgverlener vraagt de andere om hulp.]])
* insert Child([[zorgvraag]], [[consult]], [[Consult]], [[Consultation]], [[Advies; de verantwoordelijkheid blijft waar zij is.]])
* insert Child([[zorgvraag]], [[medebehandeling]], [[Medebehandeling]], [[Shared treatment]], [[Een deel wordt overgenomen; de regiebehandelaar blijft dezelfde.]])
* insert Child([[zorgvraag]], [[overname]], [[Overname]], [[Transfer of care]], [[Wie aanneemt, wordt regiebehandelaar.]])
* insert Child([[zorgvraag]], [[terugverwijzing]], [[Terugverwijzing]], [[Return of care]], [[Het einde van een overname: wie aanneemt, wordt weer regiebehandelaar.]])
* insert Child([[zorgvraag]], [[overdracht]], [[Verpleegkundige overdracht]], [[Nursing hand-over]], [[Met een document: gegeven zorg, afspraken, risico's, waar op te letten. Aannemen gaat voor het einde van de deelname van de zender.]])
* insert Child([[zorgvraag]], [[coordinatie-overdragen]], [[Coördinatie overdragen]], [[Hand over coordination]], [[Wie aanneemt, wordt coördinator.]])
* insert Child([[zorgvraag]], [[wijkverpleging-aan-huis]], [[Wijkverpleging aan huis]], [[District nursing at home]], [[Verpleging of verzorging thuis.]])
* insert Child([[zorgvraag]], [[jaarcontrole]], [[Jaarcontrole]], [[Yearly check]], [[Een controle van een programma, liefst een bezoek voor alle programma's.]])
* insert Child([[zorgvraag]], [[medicatiebeoordeling]], [[Medicatiebeoordeling]], [[Medication review]], [[Welke middelen kunnen stoppen of eenvoudiger?]])
* insert Child([[zorgvraag]], [[behandelwensen-gesprek]], [[Gesprek over behandelwensen]], [[Advance care planning conversation]], [[Een gesprek over wat iemand nog wil en niet meer wil; vernieuwt de wilsverklaringen en spreekt een datum af.]])
* insert Child([[zorgvraag]], [[mdo-voorbereiden]], [[Overleg voorbereiden]], [[Prepare the meeting]], [[Open vragen verzamelen voor het multidisciplinair overleg.]])
* insert Child([[zorgvraag]], [[mdo-besluit]], [[Besluit van het overleg]], [[Decision of the meeting]], [[Wat in het overleg is afgesproken, met eigenaar en datum.]])
* insert Child([[zorgvraag]], [[e-health]], [[Digitaal programma]], [[E-health programme]], [[Een programma dat de patiënt thuis volgt.]])
* insert Concept([[verwijzing]], [[Verwijzing buiten de zorg]], [[Referral outside health care]], [[Naar welzijn, gemeente of leefstijl; de ander ziet alleen deze taak.]])
* insert Child([[verwijzing]], [[welzijn-op-recept]], [[Welzijn op recept]], [[Social prescribing]], [[Gezelschap, dagbesteding, vrijwilligerswerk.]])
* insert Child([[verwijzing]], [[leefstijlcoaching]], [[Leefstijlcoaching]], [[Lifestyle coaching]], [[Bewegen, eten, slapen, ontspannen.]])
* insert Child([[verwijzing]], [[maatschappelijke-ondersteuning]], [[Maatschappelijke ondersteuning]], [[Social support]], [[Hulp van de gemeente: wonen, geld, vervoer, huishouden.]])
* insert Concept([[meedoen-patient]], [[Vraag aan patiënt of naaste]], [[Request to patient or relative]], [[Wat de patiënt of de mantelzorger zelf doet.]])
* insert Child([[meedoen-patient]], [[vragenlijst]], [[Vragenlijst invullen]], [[Fill in a questionnaire]], [[De vragenlijst staat in de invoer; het antwoord komt in de uitvoer.]])
* insert Child([[meedoen-patient]], [[thuismeten]], [[Thuis meten]], [[Measure at home]], [[Waarden doorgeven; zij worden bewaakt zolang deze taak is aangenomen, binnen de uren en grenzen die erin staan.]])
* insert Child([[meedoen-patient]], [[boodschappen]], [[Hulp bij boodschappen]], [[Help with shopping]], [[Praktische hulp van een naaste.]])
* insert Concept([[regel]], [[Taak uit een regel]], [[Task of a rule]], [[De hub vraagt dit zelf, omdat een regel het wil.]])
* insert Child([[regel]], [[toestemming-vragen]], [[Toestemming vragen]], [[Ask for agreement]], [[Of een organisatie mag meedoen in het plan.]])
* insert Child([[regel]], [[inschrijving-bevestigen]], [[Inschrijving bevestigen]], [[Confirm registration]], [[Of een andere praktijk de vaste praktijk wordt.]])
* insert Child([[regel]], [[identiteit-controleren]], [[Identiteit controleren]], [[Check identity]], [[Gegevens komen niet overeen; een beheerder zoekt het uit.]])
* insert Child([[regel]], [[gegevens-vernietigen]], [[Gegevens vernietigen]], [[Destroy data]], [[Een verzoek om vernietiging is toegewezen; een beheerder voert het uit.]])
* insert Child([[regel]], [[coordinator-kiezen]], [[Coördinator kiezen]], [[Choose a coordinator]], [[Er is geen coördinator meer; de patiënt kiest.]])
* insert Child([[regel]], [[inzage-beoordelen]], [[Inzage beoordelen]], [[Review access]], [[Iemand heeft het dossier in nood geopend; was dat terecht?]])
* insert Child([[regel]], [[patient-inlichten]], [[Patiënt inlichten]], [[Tell the patient]], [[Wie geen account heeft, hoort het van de praktijk.]])
* insert Child([[regel]], [[meetwaarde-beoordelen]], [[Meetwaarde beoordelen]], [[Assess a measurement]], [[Een thuis gemeten waarde ligt buiten een grens.]])
* insert Child([[regel]], [[bezwaar-vertegenwoordiging]], [[Bezwaar tegen vertegenwoordiging]], [[Objection to representation]], [[De patiënt is het oneens met de vertegenwoordiging; de arts die haar vastlegde, beoordeelt.]])
* insert Concept([[dossierrecht]], [[Recht op het eigen dossier]], [[Right to one's record]], [[Wat de patiënt van de opsteller van gegevens vraagt.]])
* insert Child([[dossierrecht]], [[correctie]], [[Correctie]], [[Correction]], [[Een feit klopt niet. Binnen een maand.]])
* insert Child([[dossierrecht]], [[verklaring-toevoegen]], [[Eigen verklaring toevoegen]], [[Added statement]], [[De patiënt ziet het anders en wil dat erbij hebben. Binnen een maand.]])
* insert Child([[dossierrecht]], [[vernietiging]], [[Vernietiging]], [[Destruction]], [[De patiënt wil dat gegevens verdwijnen. Binnen drie maanden.]])
* insert Concept([[verbeterplan]], [[Verbeterplan van de praktijk]], [[Practice development plan]], [[Over de organisatie zelf, nooit over een patiënt.]])

ValueSet: TaskCodes
Id: task
Title: "Soorten taken"
Description: "Alle soorten taken."
* insert English([[Kinds of tasks]], [[All kinds of tasks.]])
* ^experimental = false
* include codes from system TaskCode

ValueSet: ReferralCodes
Id: referral
Title: "Verwijzingen buiten de zorg"
Description: "Naar welzijn, gemeente of leefstijl."
* insert English([[Referrals outside health care]], [[To welfare, municipality or lifestyle coach.]])
* ^experimental = false
* include codes from system TaskCode where concept is-a #verwijzing

ValueSet: RecordRightCodes
Id: record-right
Title: "Verzoeken over het eigen dossier"
Description: "Correctie, eigen verklaring, vernietiging."
* insert English([[Requests about one's own record]], [[Correction, added statement, destruction.]])
* ^experimental = false
* TaskCode#correctie
* TaskCode#verklaring-toevoegen
* TaskCode#vernietiging

CodeSystem: TaskPart
Id: task-part
Title: "Invoer en uitvoer van taken"
Description: "Wat een taak meegeeft en teruggeeft. Een verzoek geeft mee wat de ontvanger nodig heeft om te kiezen, zonder te zeggen om wie het gaat."
* insert Translated([[Input and output of tasks]], [[What a task brings and returns. A request brings what the receiver needs in order to decide, without telling who it is about.]])
* insert Complete
* insert Concept([[vraag]], [[Wat gevraagd wordt]], [[What is asked]], [[In gewone woorden, zonder naam, adres, telefoon, geboortedatum of BSN.]])
* insert Concept([[geboortejaar]], [[Geboortejaar]], [[Year of birth]], [[Alleen het jaar.]])
* insert Concept([[geslacht]], [[Geslacht]], [[Sex]], [[Een code uit administrative-gender.]])
* insert Concept([[postcode4]], [[Postcode, vier cijfers]], [[Postcode, four digits]], [[Alleen de cijfers.]])
* insert Concept([[urgentie]], [[Urgentie]], [[Urgency]], [[Een code uit triage-urgency.]])
* insert Concept([[gewenste-datum]], [[Gewenste datum]], [[Wanted date]], [[Voor wanneer.]])
* insert Concept([[vragenlijst]], [[Vragenlijst]], [[Questionnaire]], [[De canonical van de vragenlijst die ingevuld moet worden.]])
* insert Concept([[grens-gewoon]], [[Gewone grens]], [[Routine band]], [[De band waarbuiten een waarde bij de taak komt.]])
* insert Concept([[grens-spoed]], [[Spoedgrens]], [[Urgent band]], [[De band waarbuiten een waarde meteen gemeld wordt.]])
* insert Concept([[uren]], [[Uren]], [[Hours]], [[Wanneer iemand kijkt.]])
* insert Concept([[tekst-spoed]], [[Tekst bij spoed]], [[Text when urgent]], [[Wie de patiënt nu belt.]])
* insert Concept([[meting]], [[Meting]], [[Measurement]], [[De waarde die buiten een grens ligt.]])
* insert Concept([[reden]], [[Reden]], [[Reason]], [[Waarom, bijvoorbeeld waarom het niet kan wachten.]])
* insert Concept([[document]], [[Document]], [[Document]], [[Bijvoorbeeld de overdracht.]])
* insert Concept([[antwoord]], [[Antwoord]], [[Answer]], [[De ingevulde vragenlijst.]])
* insert Concept([[terugkoppeling]], [[Terugkoppeling]], [[Feedback]], [[Wat eruit kwam, voor het plan.]])
* insert Concept([[verslag]], [[Verslag]], [[Report]], [[Een document dat de taak heeft opgeleverd.]])
* insert Concept([[wilsverklaring]], [[Wilsverklaring]], [[Directive]], [[Een wilsverklaring of behandelgrens die na het gesprek geldt.]])
* insert Concept([[vervangt]], [[Vervangt]], [[Replaces]], [[Een eerdere wilsverklaring die na het gesprek niet meer geldt.]])
* insert Concept([[herzien-op]], [[Herzien op]], [[Review on]], [[Voor wanneer het gesprek opnieuw gevoerd wordt.]])

ValueSet: TaskParts
Id: task-part
Title: "Invoer en uitvoer van taken"
Description: "Alle soorten invoer en uitvoer."
* insert English([[Input and output of tasks]], [[All kinds of input and output.]])
* ^experimental = false
* include codes from system TaskPart

CodeSystem: TaskReason
Id: task-reason
Title: "Redenen bij taken"
Description: "Waarom een taak staat waar zij staat."
* insert Translated([[Reasons of tasks]], [[Why a task is in the state it is in.]])
* insert Complete
* insert Concept([[participation-ended]], [[Deelname beëindigd]], [[Participation ended]], [[De eigenaar doet niet meer mee: blokkade, ingetrokken of verlopen toestemming, verhuizing, overlijden.]])
* insert Concept([[awaiting-agreement]], [[Wacht op toestemming]], [[Awaiting agreement]], [[De patiënt heeft nog niet gezegd of deze organisatie mag meedoen.]])
* insert Concept([[agreement-refused]], [[Toestemming geweigerd]], [[Agreement refused]], [[De patiënt wil niet dat deze organisatie meedoet.]])
* insert Concept([[no-capacity]], [[Geen plaats]], [[No capacity]], [[Er is nu geen ruimte.]])
* insert Concept([[not-appropriate]], [[Past hier niet]], [[Not appropriate here]], [[Deze vraag hoort bij een ander.]])
* insert Concept([[more-needed]], [[Meer nodig]], [[More is needed]], [[Er ontbreekt iets om te kunnen beslissen.]])
* insert Concept([[emergency]], [[Spoed]], [[Emergency]], [[Kan niet wachten op toestemming; geldt tweeënzeventig uur.]])
* insert Concept([[not-needed]], [[Niet meer nodig]], [[No longer needed]], [[Wat gevraagd werd, is niet meer nodig.]])
* insert Concept([[patient-declined]], [[Patiënt ziet ervan af]], [[Patient declined]], [[De patiënt wil deze hulp niet of niet meer.]])
* insert Concept([[patient-died]], [[Patiënt overleden]], [[Patient died]], [[De taak is vervallen door overlijden.]])
* insert Concept([[plan-ended]], [[Plan beëindigd]], [[Plan ended]], [[Het plan waar de taak bij hoort, is afgesloten.]])
* insert Concept([[joined]], [[Samengevoegd]], [[Joined]], [[Gaat mee in een andere taak of een ander bezoek.]])
* insert Concept([[not-accepted-in-time]], [[Niet op tijd aangenomen]], [[Not accepted in time]], [[Niemand heeft de taak binnen de tijd aangenomen.]])

ValueSet: TaskReasons
Id: task-reason
Title: "Redenen bij taken"
Description: "Alle redenen."
* insert English([[Reasons of tasks]], [[All reasons.]])
* ^experimental = false
* include codes from system TaskReason

CodeSystem: TriageUrgency
Id: triage-urgency
Title: "Urgentie bij triage"
Description: "Hoe snel een vraag in een wachtrij beoordeeld moet zijn; staat in Task.businessStatus."
* insert Translated([[Triage urgency]], [[How soon a request in a queue must be dealt with; stands in Task.businessStatus.]])
* insert Complete
* insert Concept([[direct]], [[Direct]], [[At once]], [[Nu bellen; wacht niet op de wachtrij.]])
* insert Concept([[vandaag]], [[Vandaag]], [[Today]], [[Voor het einde van de dag.]])
* insert Concept([[binnen-drie-dagen]], [[Binnen drie dagen]], [[Within three days]], [[Binnen drie werkdagen.]])
* insert Concept([[binnen-twee-weken]], [[Binnen twee weken]], [[Within two weeks]], [[Binnen tien werkdagen.]])
* insert Concept([[planbaar]], [[Planbaar]], [[Can be planned]], [[Wanneer het uitkomt.]])

ValueSet: TriageUrgencies
Id: triage-urgency
Title: "Urgentie bij triage"
Description: "Alle trappen van urgentie."
* insert English([[Triage urgency]], [[All degrees of urgency.]])
* ^experimental = false
* include codes from system TriageUrgency

CodeSystem: WatchState
Id: watch-state
Title: "Of iemand kijkt"
Description: "Wat de hub bij een thuismeting zei toen zij binnenkwam."
* insert Translated([[Whether somebody watches]], [[What the hub said of a home measurement when it came in.]])
* insert Complete
* insert Concept([[not-watched]], [[Niemand kijkt]], [[Nobody watches]], [[Er is geen aangenomen taak om deze waarde te bewaken.]])
* insert Concept([[outside-hours]], [[Nu kijkt niemand]], [[Nobody watches now]], [[Buiten de uren van de taak; later kijkt er weer iemand.]])
* insert Concept([[watched]], [[Binnen de grenzen]], [[Within the bands]], [[De waarde ligt binnen de gewone grens.]])
* insert Concept([[deviation]], [[Buiten de gewone grens]], [[Outside the routine band]], [[Er wordt naar gekeken.]])
* insert Concept([[urgent]], [[Buiten de spoedgrens]], [[Outside the urgent band]], [[De tekst zegt wie de patiënt nu belt.]])

ValueSet: WatchStates
Id: watch-state
Title: "Of iemand kijkt"
Description: "Alle toestanden."
* insert English([[Whether somebody watches]], [[All states.]])
* ^experimental = false
* include codes from system WatchState
