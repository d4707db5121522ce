"""Code strings that writers get wrong in known ways (PS3.5 6.2, CS): in lower case, with other marks.

The words are those of defined terms and enumerated values of the standard that files are known to
have in lower case: body parts (PS3.16 Annex L), sex, laterality, kinds of images and the like.
"""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 16  # characters of a value
_MARKS: Final = re.compile(r"[A-Z0-9 _+./&()-]*")  # of terms in capitals: T-SPINE, M/FFE, W+F
_BETWEEN: Final = re.compile(r"[ _+./&()-]+")
_TEXT: Final = """
    abdomen abdominal adrenal ankle anus aorta aortic arch arm artery axilla axillary back bile bladder
    body bone bones brachial brain breast breasts bronchus buttock calcaneus calf carotid cerebellum
    cervical cervix cheek chest clavicle coccyx colon contour cornea coronary cspine duct duodenum ear elbow
    entire esophagus extremities extremity eye eyelid eyes face femoral femur fibula finger fingers
    foot forearm gallbladder gluteal groin hand head heart hip hips humerus iac iliac ileum internal jaw
    jejunum joint kidney kidneys knee knees larynx leg legs limb liver lower lspine lumbar lung lungs lymph
    mandible maxilla mediastinum mouth muscle nasal neck node nose optic orbit orbits ovary pancreas
    parotid patella pelvic pelvis penis pharynx phantom pituitary prostate pulmonary radius rectum renal
    retina ribs sacroiliac sacrum scalp scapula scrotum sella shoulder sinus sinuses skin skull spinal
    spine spleen sternum stomach subclavian temporal testis thigh thoracic thorax thumb thymus thyroid
    tibia tmj toe toes tongue trachea tspine ulna upper ureter urethra uterus vagina vein vessel
    vulva whole wholebody wrist
    male female other unknown none left right bilateral both unpaired mixed l r u b m f o
    yes no y n true false on off
    original derived primary secondary axial localizer coronal sagittal oblique projection average mip mpr
    volume reformatted screenshot scout helical spiral sequenced static dynamic gated whole reconstruction
    supine prone standing sitting recumbent erect decubitus hfs ffs hfp ffp
    ap pa ll rl lat lateral anterior posterior superior inferior medial cranial caudal craniocaudal cc mlo
    head-first feet-first first feet in out
    monochrome1 monochrome2 rgb palette color colour normal hu us optical density linear sigmoid
    human animal adult child pediatric paediatric with without and to of the contrast native
    ct mr mri pt pet us cr dx mg nm xa rf seg rtstruct rtdose rtplan sr pr ko ot sc
"""
_WORDS: Final = frozenset(_TEXT.split())


def is_known_deviation(value: str) -> bool:
    """Tell whether a value is no code string, and yet nothing but a term that is written otherwise.

    Parameters
    ----------
    value : str
        One value, without padding.

    Examples
    --------
    >>> is_known_deviation("Abdomen"), is_known_deviation("T-SPINE"), is_known_deviation("Jane Doe")
    (True, True, False)
    """
    if len(value) > _LONGEST:
        return False
    if _MARKS.fullmatch(value):
        return True
    words = _BETWEEN.split(value.lower().strip(" _+./&()-"))
    return all(word in _WORDS or word.isdecimal() for word in words)
