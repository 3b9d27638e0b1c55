-- Create the locked account that the integrity triggers run as, so that they outlive whoever creates them.
-- kind: write
-- needs: CREATE USER
-- locks: nothing of the shop's
-- names: definer
-- values: password
CREATE USER IF NOT EXISTS {definer} IDENTIFIED BY :password ACCOUNT LOCK
