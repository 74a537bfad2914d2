// For preparing a consultation at home: cards to choose from, and a list of subjects that both sides put in order.

Instance: vraagkaarten
InstanceOf: Questionnaire
Usage: #definition
Title: "Vraagkaarten"
Description: "Kies de kaarten waarover u het de volgende keer wilt hebben. Eigen woorden, niet gevalideerd."
* insert Asked([[vraagkaarten]], [[Vraagkaarten]], [[Vraagkaarten]], [[Question cards]], [[Kies de kaarten waarover u het de volgende keer wilt hebben. Eigen woorden, niet gevalideerd.]], [[Choose the cards that you want to talk about next time. Our own words, not validated.]], [[Patient]])
* extension[DraftExpiry].valueDuration = 30 'd' "dagen"
* insert DimensionGroup([[lichaamsfuncties]], [[Lichaamsfuncties]], [[Bodily functions]])
* insert InGroup(0, [[lichaamsfuncties.1]], [[boolean]], [[Mijn klachten in gewone dingen]], [[My complaints in everyday things]])
* insert InGroup(1, [[lichaamsfuncties.2]], [[boolean]], [[Mijn medicijnen: waarvoor, en kan het minder?]], [[My medicines: what for, and can it be less?]])
* insert InGroup(2, [[lichaamsfuncties.3]], [[boolean]], [[Bewegen, eten en slapen]], [[Moving, eating and sleeping]])
* insert DimensionGroup([[mentaal-welbevinden]], [[Mentaal welbevinden]], [[Mental well-being]])
* insert InGroup(0, [[mentaal-welbevinden.1]], [[boolean]], [[Piekeren of somber zijn]], [[Worrying or feeling low]])
* insert InGroup(1, [[mentaal-welbevinden.2]], [[boolean]], [[Vergeten en er niet bij zijn]], [[Forgetting and not being present]])
* insert InGroup(2, [[mentaal-welbevinden.3]], [[boolean]], [[Grip houden als dingen veranderen]], [[Keeping a grip when things change]])
* insert DimensionGroup([[zingeving]], [[Zingeving]], [[Meaningfulness]])
* insert InGroup(0, [[zingeving.1]], [[boolean]], [[Wat mij gaande houdt]], [[What keeps me going]])
* insert InGroup(1, [[zingeving.2]], [[boolean]], [[Wat ik nog wil, en wat niet meer]], [[What I still want, and what no longer]])
* insert InGroup(2, [[zingeving.3]], [[boolean]], [[Verlies en afscheid]], [[Loss and farewell]])
* insert DimensionGroup([[kwaliteit-van-leven]], [[Kwaliteit van leven]], [[Quality of life]])
* insert InGroup(0, [[kwaliteit-van-leven.1]], [[boolean]], [[Genieten, ook met klachten]], [[Enjoying life, with complaints too]])
* insert InGroup(1, [[kwaliteit-van-leven.2]], [[boolean]], [[Veilig wonen]], [[Living safely]])
* insert InGroup(2, [[kwaliteit-van-leven.3]], [[boolean]], [[Rondkomen]], [[Making ends meet]])
* insert DimensionGroup([[meedoen]], [[Meedoen]], [[Taking part]])
* insert InGroup(0, [[meedoen.1]], [[boolean]], [[Alleen zijn]], [[Being alone]])
* insert InGroup(1, [[meedoen.2]], [[boolean]], [[Iets voor anderen doen]], [[Doing something for others]])
* insert InGroup(2, [[meedoen.3]], [[boolean]], [[De mensen die mij helpen, en hoe zij het volhouden]], [[The people who help me, and how they keep it up]])
* insert DimensionGroup([[dagelijks-functioneren]], [[Dagelijks functioneren]], [[Daily functioning]])
* insert InGroup(0, [[dagelijks-functioneren.1]], [[boolean]], [[Hulp in huis en bij verzorging]], [[Help at home and with personal care]])
* insert InGroup(1, [[dagelijks-functioneren.2]], [[boolean]], [[Mijn dag en mijn grenzen]], [[My day and my limits]])
* insert InGroup(2, [[dagelijks-functioneren.3]], [[boolean]], [[Hulp vragen: aan wie en hoe]], [[Asking for help: whom and how]])
* insert TextGroup([[eigen]], [[Iets anders]], [[Something else]])
* insert InGroup(0, [[eigen.kaart]], [[text]], [[Mijn eigen kaart]], [[A card of my own]])
* item[=].item[0].repeats = true

Instance: gespreksagenda
InstanceOf: Questionnaire
Usage: #definition
Title: "Agenda voor het gesprek"
Description: "Zet op volgorde waarover u het wilt hebben. De zorgverlener vult dezelfde lijst in; samen worden zij één agenda."
* insert Asked([[gespreksagenda]], [[Gespreksagenda]], [[Agenda voor het gesprek]], [[Agenda for the conversation]], [[Zet op volgorde waarover u het wilt hebben. De zorgverlener vult dezelfde lijst in; samen worden zij één agenda.]], [[Put what you want to talk about in order. The professional fills in the same list; together they become one agenda.]], [[Patient]])
* extension[ExtractOnCompletion].valueBoolean = false
* item[0].linkId = "onderwerp"
* item[0].text = "Onderwerp, het belangrijkste eerst"
* insert InEnglish(item[0].text, [[Subject, the most important first]])
* item[0].type = #group
* item[0].required = true
* item[0].repeats = true
* item[0].item[0].linkId = "onderwerp.wat"
* item[0].item[0].text = "Waarover wilt u het hebben?"
* insert InEnglish(item[0].item[0].text, [[What do you want to talk about?]])
* item[0].item[0].type = #string
* item[0].item[0].required = true
* item[0].item[0].maxLength = 200
* item[0].item[1].linkId = "onderwerp.dimensie"
* item[0].item[1].text = "Waar hoort het bij?"
* insert InEnglish(item[0].item[1].text, [[Where does it belong?]])
* item[0].item[1].type = #choice
* item[0].item[1].answerValueSet = Canonical(PositiveHealthDimensions)
* insert Mark(item[0].item[2], [[onderwerp.belang]], [[Hoe belangrijk is het voor u?]], [[How important is it to you?]])
* item[0].item[3].linkId = "onderwerp.hoop"
* item[0].item[3].text = "Wat hoopt u dat eruit komt?"
* insert InEnglish(item[0].item[3].text, [[What do you hope comes of it?]])
* item[0].item[3].type = #text
* item[1].linkId = "mee"
* item[1].text = "Wie neemt u mee?"
* insert InEnglish(item[1].text, [[Whom do you bring?]])
* item[1].type = #string
* item[1].maxLength = 200
