// Questions in our own wording, not validated: an aid to conversation. Nothing here is taken from an existing instrument.

RuleSet: Mark(path, link, dutch, english)
* {path}.extension[0].url = $minValue
* {path}.extension[0].valueInteger = 0
* {path}.extension[1].url = $maxValue
* {path}.extension[1].valueInteger = 10
* {path}.linkId = "{link}"
* {path}.text = "{dutch}"
* insert InEnglish({path}.text, [[{english}]])
* {path}.type = #integer

RuleSet: DimensionGroup(code, display, english)
* item[+].linkId = "{code}"
* item[=].code = PositiveHealthDimension#{code} "{display}"
* item[=].text = "{display}"
* insert InEnglish(item[=].text, [[{english}]])
* item[=].type = #group

RuleSet: Question(number, code, dutch, english)
* item[=].item[{number}].extension[0].url = $minValue
* item[=].item[{number}].extension[0].valueInteger = 0
* item[=].item[{number}].extension[1].url = $maxValue
* item[=].item[{number}].extension[1].valueInteger = 10
* item[=].item[{number}].linkId = "{code}"
* item[=].item[{number}].text = "{dutch}"
* insert InEnglish(item[=].item[{number}].text, [[{english}]])
* item[=].item[{number}].type = #integer

RuleSet: TextGroup(link, dutch, english)
* item[+].linkId = "{link}"
* item[=].text = "{dutch}"
* insert InEnglish(item[=].text, [[{english}]])
* item[=].type = #group

RuleSet: InGroup(number, link, type, dutch, english)
* item[=].item[{number}].linkId = "{link}"
* item[=].item[{number}].text = "{dutch}"
* insert InEnglish(item[=].item[{number}].text, [[{english}]])
* item[=].item[{number}].type = #{type}

RuleSet: Asked(id, name, title, english, description, inEnglish, subject)
* insert Defined(Questionnaire, {id}, {name})
* title = "{title}"
* insert InEnglish(title, [[{english}]])
* description = "{description}"
* insert InEnglish(description, [[{inEnglish}]])
* subjectType = #{subject}

Instance: positieve-gezondheid
InstanceOf: PositiveHealthQuestionnaire
Usage: #definition
Title: "Mijn gezondheid in zes dimensies"
Description: "Gesprekshulp met eigen vragen, niet gevalideerd. Geef bij elke vraag een cijfer van 0 tot 10; sla over wat u niet wilt beantwoorden."
* insert Asked([[positieve-gezondheid]], [[PositieveGezondheid]], [[Mijn gezondheid in zes dimensies]], [[My health in six dimensions]], [[Gesprekshulp met eigen vragen, niet gevalideerd. Geef bij elke vraag een cijfer van 0 tot 10; sla over wat u niet wilt beantwoorden.]], [[An aid to conversation with questions of our own, not validated. Give each question a mark from 0 to 10; skip what you do not want to answer.]], [[Patient]])
* insert DimensionGroup([[lichaamsfuncties]], [[Lichaamsfuncties]], [[Bodily functions]])
* insert Question(0, [[lichaamsfuncties.1]], [[Hoe gezond vindt u zichzelf de laatste weken?]], [[How healthy have you felt these last weeks?]])
* insert Question(1, [[lichaamsfuncties.2]], [[Hoe is het met uw conditie?]], [[How is your fitness?]])
* insert Question(2, [[lichaamsfuncties.3]], [[Hoe weinig last heeft u van klachten of pijn?]], [[How little are you bothered by complaints or pain?]])
* insert Question(3, [[lichaamsfuncties.4]], [[Hoe goed slaapt u?]], [[How well do you sleep?]])
* insert Question(4, [[lichaamsfuncties.5]], [[Hoe goed lukt het om te eten zoals goed voor u is?]], [[How well do you manage to eat what is good for you?]])
* insert Question(5, [[lichaamsfuncties.6]], [[Hoe lang houdt u iets vol wat inspanning kost?]], [[How long can you keep up something that takes effort?]])
* insert Question(6, [[lichaamsfuncties.7]], [[Hoe makkelijk beweegt u: lopen, traplopen, bukken?]], [[How easily do you move: walking, stairs, bending down?]])
* insert DimensionGroup([[mentaal-welbevinden]], [[Mentaal welbevinden]], [[Mental well-being]])
* insert Question(0, [[mentaal-welbevinden.1]], [[Hoe goed onthoudt u dingen?]], [[How well do you remember things?]])
* insert Question(1, [[mentaal-welbevinden.2]], [[Hoe goed houdt u uw aandacht ergens bij?]], [[How well do you keep your attention on something?]])
* insert Question(2, [[mentaal-welbevinden.3]], [[Hoe goed lukt het om te zeggen wat u bedoelt?]], [[How well do you manage to say what you mean?]])
* insert Question(3, [[mentaal-welbevinden.4]], [[Hoe vaak bent u opgewekt?]], [[How often are you cheerful?]])
* insert Question(4, [[mentaal-welbevinden.5]], [[Hoe tevreden bent u met wie u bent?]], [[How content are you with who you are?]])
* insert Question(5, [[mentaal-welbevinden.6]], [[Hoe goed gaat u om met veranderingen?]], [[How well do you deal with changes?]])
* insert Question(6, [[mentaal-welbevinden.7]], [[Hoeveel grip ervaart u op uw dagen?]], [[How much grip do you feel you have on your days?]])
* insert DimensionGroup([[zingeving]], [[Zingeving]], [[Meaningfulness]])
* insert Question(0, [[zingeving.1]], [[Hoe zinvol vindt u wat u doet?]], [[How meaningful do you find what you do?]])
* insert Question(1, [[zingeving.2]], [[Hoeveel zin heeft u 's ochtends in de dag?]], [[How much do you look forward to the day in the morning?]])
* insert Question(2, [[zingeving.3]], [[In welke mate jaagt u na wat u belangrijk vindt?]], [[To what extent do you pursue what you find important?]])
* insert Question(3, [[zingeving.4]], [[Hoeveel vertrouwen heeft u in wat komt?]], [[How much trust do you have in what is to come?]])
* insert Question(4, [[zingeving.5]], [[Hoe goed kunt u aanvaarden wat niet meer gaat?]], [[How well can you accept what is no longer possible?]])
* insert Question(5, [[zingeving.6]], [[Hoe vaak bent u dankbaar voor iets?]], [[How often are you grateful for something?]])
* insert Question(6, [[zingeving.7]], [[Hoeveel leert u nog bij?]], [[How much do you still learn?]])
* insert DimensionGroup([[kwaliteit-van-leven]], [[Kwaliteit van leven]], [[Quality of life]])
* insert Question(0, [[kwaliteit-van-leven.1]], [[Hoeveel geniet u van kleine dingen?]], [[How much do you enjoy small things?]])
* insert Question(1, [[kwaliteit-van-leven.2]], [[Hoe gelukkig voelt u zich?]], [[How happy do you feel?]])
* insert Question(2, [[kwaliteit-van-leven.3]], [[Hoe vaak heeft u een goede dag?]], [[How often do you have a good day?]])
* insert Question(3, [[kwaliteit-van-leven.4]], [[Hoe goed zijn rust en drukte in balans?]], [[How well are rest and bustle in balance?]])
* insert Question(4, [[kwaliteit-van-leven.5]], [[Hoe veilig voelt u zich, thuis en buiten?]], [[How safe do you feel, at home and outside?]])
* insert Question(5, [[kwaliteit-van-leven.6]], [[Hoe goed past uw huis bij u?]], [[How well does your home suit you?]])
* insert Question(6, [[kwaliteit-van-leven.7]], [[Hoe goed komt u rond met uw geld?]], [[How well do you make ends meet?]])
* insert DimensionGroup([[meedoen]], [[Meedoen]], [[Taking part]])
* insert Question(0, [[meedoen.1]], [[Hoe tevreden bent u over uw contacten met anderen?]], [[How content are you with your contacts with others?]])
* insert Question(1, [[meedoen.2]], [[Hoe serieus nemen anderen u?]], [[How seriously do others take you?]])
* insert Question(2, [[meedoen.3]], [[Hoe vaak doet u iets leuks samen met iemand?]], [[How often do you do something nice together with somebody?]])
* insert Question(3, [[meedoen.4]], [[Hoeveel steun krijgt u als het nodig is?]], [[How much support do you get when you need it?]])
* insert Question(4, [[meedoen.5]], [[In welke mate hoort u ergens bij?]], [[To what extent do you belong somewhere?]])
* insert Question(5, [[meedoen.6]], [[Hoeveel doet u wat er voor u toe doet?]], [[How much do you do what matters to you?]])
* insert Question(6, [[meedoen.7]], [[Hoe betrokken bent u bij wat er in de wereld gebeurt?]], [[How involved are you in what happens in the world?]])
* insert DimensionGroup([[dagelijks-functioneren]], [[Dagelijks functioneren]], [[Daily functioning]])
* insert Question(0, [[dagelijks-functioneren.1]], [[Hoe goed zorgt u voor uzelf: wassen, aankleden, koken?]], [[How well do you take care of yourself: washing, dressing, cooking?]])
* insert Question(1, [[dagelijks-functioneren.2]], [[Hoe goed kent u uw grenzen?]], [[How well do you know your limits?]])
* insert Question(2, [[dagelijks-functioneren.3]], [[Hoe goed weet u wat uw gezondheid vraagt?]], [[How well do you know what your health asks of you?]])
* insert Question(3, [[dagelijks-functioneren.4]], [[Hoe goed lukt het om uw dag in te delen?]], [[How well do you manage to plan your day?]])
* insert Question(4, [[dagelijks-functioneren.5]], [[Hoe goed regelt u uw geldzaken?]], [[How well do you arrange your money matters?]])
* insert Question(5, [[dagelijks-functioneren.6]], [[Hoe goed lukt het om te werken of vrijwilligerswerk te doen?]], [[How well do you manage to work or volunteer?]])
* insert Question(6, [[dagelijks-functioneren.7]], [[Hoe makkelijk vraagt u hulp?]], [[How easily do you ask for help?]])
* insert TextGroup([[gesprek]], [[Voor het gesprek]], [[For the conversation]])
* insert InGroup(0, [[gesprek.goed]], [[text]], [[Wat gaat er goed?]], [[What goes well?]])
* insert InGroup(1, [[gesprek.werken]], [[text]], [[Waar wilt u aan werken?]], [[What do you want to work on?]])
* insert InGroup(2, [[gesprek.wens]], [[text]], [[Wat is uw grootste wens?]], [[What is your greatest wish?]])

Instance: positieve-gezondheid-b1
InstanceOf: PositiveHealthQuestionnaire
Usage: #definition
Title: "Hoe gaat het met u?"
Description: "Dezelfde gesprekshulp in gewone, korte zinnen (taalniveau B1). Eigen vragen, niet gevalideerd. Geef een cijfer: 0 is heel slecht, 10 is heel goed."
* insert Asked([[positieve-gezondheid-b1]], [[PositieveGezondheidB1]], [[Hoe gaat het met u?]], [[How are you?]], [[Dezelfde gesprekshulp in gewone, korte zinnen (taalniveau B1). Eigen vragen, niet gevalideerd. Geef een cijfer: 0 is heel slecht, 10 is heel goed.]], [[The same aid to conversation in plain, short sentences (language level B1). Questions of our own, not validated. Give a mark: 0 is very bad, 10 is very good.]], [[Patient]])
* insert DimensionGroup([[lichaamsfuncties]], [[Lichaamsfuncties]], [[Bodily functions]])
* insert Question(0, [[lichaamsfuncties.1]], [[Voelt u zich gezond?]], [[Do you feel healthy?]])
* insert Question(1, [[lichaamsfuncties.2]], [[Bent u fit?]], [[Are you fit?]])
* insert Question(2, [[lichaamsfuncties.3]], [[Heeft u weinig pijn of andere klachten?]], [[Do you have little pain or few other complaints?]])
* insert Question(3, [[lichaamsfuncties.4]], [[Slaapt u goed?]], [[Do you sleep well?]])
* insert Question(4, [[lichaamsfuncties.5]], [[Eet u goed?]], [[Do you eat well?]])
* insert Question(5, [[lichaamsfuncties.6]], [[Kunt u iets zwaars lang volhouden?]], [[Can you keep up something hard for long?]])
* insert Question(6, [[lichaamsfuncties.7]], [[Kunt u goed lopen, traplopen en bukken?]], [[Can you walk, take the stairs and bend down well?]])
* insert DimensionGroup([[mentaal-welbevinden]], [[Mentaal welbevinden]], [[Mental well-being]])
* insert Question(0, [[mentaal-welbevinden.1]], [[Kunt u dingen goed onthouden?]], [[Can you remember things well?]])
* insert Question(1, [[mentaal-welbevinden.2]], [[Kunt u uw aandacht bij iets houden?]], [[Can you keep your attention on something?]])
* insert Question(2, [[mentaal-welbevinden.3]], [[Lukt het om te zeggen wat u bedoelt?]], [[Do you manage to say what you mean?]])
* insert Question(3, [[mentaal-welbevinden.4]], [[Bent u vaak vrolijk?]], [[Are you often cheerful?]])
* insert Question(4, [[mentaal-welbevinden.5]], [[Bent u blij met wie u bent?]], [[Are you happy with who you are?]])
* insert Question(5, [[mentaal-welbevinden.6]], [[Kunt u er goed tegen als iets verandert?]], [[Can you cope when something changes?]])
* insert Question(6, [[mentaal-welbevinden.7]], [[Kunt u zelf kiezen hoe uw dag eruitziet?]], [[Can you choose yourself what your day looks like?]])
* insert DimensionGroup([[zingeving]], [[Zingeving]], [[Meaningfulness]])
* insert Question(0, [[zingeving.1]], [[Vindt u dat uw leven zin heeft?]], [[Do you find that your life has meaning?]])
* insert Question(1, [[zingeving.2]], [[Heeft u zin in de dag als u opstaat?]], [[Do you feel like the day when you get up?]])
* insert Question(2, [[zingeving.3]], [[Doet u dingen die u belangrijk vindt?]], [[Do you do things that you find important?]])
* insert Question(3, [[zingeving.4]], [[Heeft u vertrouwen in de toekomst?]], [[Do you trust in the future?]])
* insert Question(4, [[zingeving.5]], [[Kunt u vrede hebben met wat niet meer gaat?]], [[Can you be at peace with what is no longer possible?]])
* insert Question(5, [[zingeving.6]], [[Bent u vaak dankbaar?]], [[Are you often grateful?]])
* insert Question(6, [[zingeving.7]], [[Leert u nog nieuwe dingen?]], [[Do you still learn new things?]])
* insert DimensionGroup([[kwaliteit-van-leven]], [[Kwaliteit van leven]], [[Quality of life]])
* insert Question(0, [[kwaliteit-van-leven.1]], [[Geniet u van kleine dingen?]], [[Do you enjoy small things?]])
* insert Question(1, [[kwaliteit-van-leven.2]], [[Bent u gelukkig?]], [[Are you happy?]])
* insert Question(2, [[kwaliteit-van-leven.3]], [[Heeft u vaak een goede dag?]], [[Do you often have a good day?]])
* insert Question(3, [[kwaliteit-van-leven.4]], [[Heeft u genoeg rust, en ook genoeg te doen?]], [[Do you have enough rest, and enough to do too?]])
* insert Question(4, [[kwaliteit-van-leven.5]], [[Voelt u zich veilig, thuis en op straat?]], [[Do you feel safe, at home and in the street?]])
* insert Question(5, [[kwaliteit-van-leven.6]], [[Woont u fijn?]], [[Do you like where you live?]])
* insert Question(6, [[kwaliteit-van-leven.7]], [[Heeft u genoeg geld?]], [[Do you have enough money?]])
* insert DimensionGroup([[meedoen]], [[Meedoen]], [[Taking part]])
* insert Question(0, [[meedoen.1]], [[Heeft u genoeg contact met andere mensen?]], [[Do you have enough contact with other people?]])
* insert Question(1, [[meedoen.2]], [[Luisteren mensen naar u?]], [[Do people listen to you?]])
* insert Question(2, [[meedoen.3]], [[Doet u vaak iets leuks met anderen?]], [[Do you often do something nice with others?]])
* insert Question(3, [[meedoen.4]], [[Krijgt u hulp als u die nodig heeft?]], [[Do you get help when you need it?]])
* insert Question(4, [[meedoen.5]], [[Hoort u erbij?]], [[Do you belong?]])
* insert Question(5, [[meedoen.6]], [[Doet u dingen die u belangrijk vindt?]], [[Do you do things that matter to you?]])
* insert Question(6, [[meedoen.7]], [[Weet u wat er in de wereld gebeurt?]], [[Do you know what happens in the world?]])
* insert DimensionGroup([[dagelijks-functioneren]], [[Dagelijks functioneren]], [[Daily functioning]])
* insert Question(0, [[dagelijks-functioneren.1]], [[Kunt u goed voor uzelf zorgen: wassen, aankleden, koken?]], [[Can you take good care of yourself: washing, dressing, cooking?]])
* insert Question(1, [[dagelijks-functioneren.2]], [[Weet u wanneer u moet stoppen?]], [[Do you know when to stop?]])
* insert Question(2, [[dagelijks-functioneren.3]], [[Weet u wat goed is voor uw gezondheid?]], [[Do you know what is good for your health?]])
* insert Question(3, [[dagelijks-functioneren.4]], [[Lukt het om uw dag te plannen?]], [[Do you manage to plan your day?]])
* insert Question(4, [[dagelijks-functioneren.5]], [[Kunt u goed met geld omgaan?]], [[Can you handle money well?]])
* insert Question(5, [[dagelijks-functioneren.6]], [[Lukt het om te werken of anderen te helpen?]], [[Do you manage to work or to help others?]])
* insert Question(6, [[dagelijks-functioneren.7]], [[Vraagt u hulp als dat nodig is?]], [[Do you ask for help when you need it?]])
* insert TextGroup([[gesprek]], [[Voor het gesprek]], [[For the conversation]])
* insert InGroup(0, [[gesprek.goed]], [[text]], [[Wat gaat goed?]], [[What goes well?]])
* insert InGroup(1, [[gesprek.werken]], [[text]], [[Wat wilt u anders?]], [[What do you want to be different?]])
* insert InGroup(2, [[gesprek.wens]], [[text]], [[Wat wilt u het liefst?]], [[What do you want most?]])

Instance: positieve-gezondheid-kort
InstanceOf: PositiveHealthQuestionnaire
Usage: #definition
Title: "Mijn gezondheid in zes cijfers"
Description: "Korte vorm van de gesprekshulp: een cijfer per dimensie. Eigen vragen, niet gevalideerd."
* insert Asked([[positieve-gezondheid-kort]], [[PositieveGezondheidKort]], [[Mijn gezondheid in zes cijfers]], [[My health in six marks]], [[Korte vorm van de gesprekshulp: een cijfer per dimensie. Eigen vragen, niet gevalideerd.]], [[Short form of the aid to conversation: one mark for each dimension. Questions of our own, not validated.]], [[Patient]])
* insert Mark(item[0], [[lichaamsfuncties]], [[Welk cijfer geeft u aan: lichaamsfuncties?]], [[Which mark do you give: bodily functions?]])
* item[0].code = PositiveHealthDimension#lichaamsfuncties "Lichaamsfuncties"
* insert Mark(item[1], [[mentaal-welbevinden]], [[Welk cijfer geeft u aan: mentaal welbevinden?]], [[Which mark do you give: mental well-being?]])
* item[1].code = PositiveHealthDimension#mentaal-welbevinden "Mentaal welbevinden"
* insert Mark(item[2], [[zingeving]], [[Welk cijfer geeft u aan: zingeving?]], [[Which mark do you give: meaningfulness?]])
* item[2].code = PositiveHealthDimension#zingeving "Zingeving"
* insert Mark(item[3], [[kwaliteit-van-leven]], [[Welk cijfer geeft u aan: kwaliteit van leven?]], [[Which mark do you give: quality of life?]])
* item[3].code = PositiveHealthDimension#kwaliteit-van-leven "Kwaliteit van leven"
* insert Mark(item[4], [[meedoen]], [[Welk cijfer geeft u aan: meedoen?]], [[Which mark do you give: taking part?]])
* item[4].code = PositiveHealthDimension#meedoen "Meedoen"
* insert Mark(item[5], [[dagelijks-functioneren]], [[Welk cijfer geeft u aan: dagelijks functioneren?]], [[Which mark do you give: daily functioning?]])
* item[5].code = PositiveHealthDimension#dagelijks-functioneren "Dagelijks functioneren"

Instance: belasting-mantelzorger
InstanceOf: Questionnaire
Usage: #definition
Title: "Hoe zwaar is de zorg voor u?"
Description: "Zes eigen vragen aan de mantelzorger, niet gevalideerd. De antwoorden zijn van de mantelzorger."
* insert Asked([[belasting-mantelzorger]], [[BelastingMantelzorger]], [[Hoe zwaar is de zorg voor u?]], [[How heavy is caring for you?]], [[Zes eigen vragen aan de mantelzorger, niet gevalideerd. De antwoorden zijn van de mantelzorger.]], [[Six questions of our own for the informal carer, not validated. The answers belong to the carer.]], [[RelatedPerson]])
* item[0].linkId = "belasting.1"
* item[0].text = "Slaapt u slechter door de zorg die u geeft?"
* insert InEnglish(item[0].text, [[Do you sleep worse because of the care you give?]])
* item[0].type = #boolean
* item[1].linkId = "belasting.2"
* item[1].text = "Blijft er te weinig tijd over voor uzelf?"
* insert InEnglish(item[1].text, [[Is there too little time left for yourself?]])
* item[1].type = #boolean
* item[2].linkId = "belasting.3"
* item[2].text = "Is de zorg lichamelijk zwaar voor u?"
* insert InEnglish(item[2].text, [[Is the care physically hard on you?]])
* item[2].type = #boolean
* item[3].linkId = "belasting.4"
* item[3].text = "Zijn uw plannen veranderd door de zorg?"
* insert InEnglish(item[3].text, [[Have your plans changed because of the care?]])
* item[3].type = #boolean
* item[4].linkId = "belasting.5"
* item[4].text = "Geeft de zorg onenigheid met anderen?"
* insert InEnglish(item[4].text, [[Does the care lead to disagreement with others?]])
* item[4].type = #boolean
* item[5].linkId = "belasting.6"
* item[5].text = "Wordt het u soms te veel?"
* insert InEnglish(item[5].text, [[Does it sometimes become too much for you?]])
* item[5].type = #boolean
